import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect } from 'vitest';
import {
  openSimulatedSite,
  type SimulatedSite,
  type SimulatedSiteOptions,
} from '../../src/simulated-site/simulated-site.ts';
import { type Gateway, type GatewayOptions, openGateway } from './gateway.ts';
import { sharedReader } from './shared-reader.ts';

type OpenSite = (options?: Partial<SimulatedSiteOptions>) => Promise<SimulatedSite>;
type OpenGateway = (
  site: SimulatedSite,
  options?: Partial<GatewayOptions> & { site?: Record<string, unknown> },
) => Promise<Gateway>;

/** Sites and gateways that are opened, lent and closed; a badly behaved client fails the test. */
export const test = base.extend<{ openSite: OpenSite; open: OpenGateway }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  openSite: async ({}, use) => {
    const sites: SimulatedSite[] = [];
    const folder = await mkdtemp(join(tmpdir(), 'site-'));
    await use(async (options = {}) => {
      const site = await openSimulatedSite({
        folder: join(folder, String(sites.length)),
        reader: sharedReader(),
        ...options,
      });
      sites.push(site);
      return site;
    });
    const violations = sites.flatMap((site) => site.control.violations());
    for (const site of sites) await site.close();
    await rm(folder, { recursive: true, force: true });
    expect(violations).toEqual([]);
  },
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  open: async ({}, use) => {
    const gateways: Gateway[] = [];
    await use(async (site, { site: settings = {}, ...options } = {}) => {
      const demo = { url: site.url, username: site.username, password: site.password, ...settings };
      const gateway = await openGateway({ sites: { demo }, ...options });
      gateways.push(gateway);
      return gateway;
    });
    for (const gateway of gateways) await gateway.close();
  },
});
