import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from 'vitest';
import type { DefinitionSpec } from '../../src/documents/definition-spec.ts';
import { buildServiceDefinition } from '../../src/documents/service-definition-builder.ts';
import {
  type Fault,
  openSimulatedSite,
  type SimulatedSite,
  type SimulatedSiteOptions,
} from '../../src/simulated-site/simulated-site.ts';
import { sharedReader } from './shared-reader.ts';
import { SiteVisitor } from './site-visitor.ts';

/** For `expect.poll`: quick to see, slow to give up on a busy machine. */
export const patient = { timeout: 15_000, interval: 10 };

export type VisitedSite = { site: SimulatedSite; visitor: SiteVisitor };

type Fixtures = {
  folder: string;
  /** Opens a quick site and logs a visitor in; closed after the test. */
  visit: (options?: Partial<SimulatedSiteOptions>) => Promise<VisitedSite>;
  /** Writes a service definition and returns its path. */
  definition: (spec: DefinitionSpec) => Promise<string>;
};

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'visited-site-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  visit: async ({ folder }, use) => {
    const opened: SimulatedSite[] = [];
    await use(async (options = {}) => {
      const site = await openSimulatedSite({
        folder: join(folder, 'site'),
        reader: sharedReader(),
        publishMs: 40,
        startMs: 10,
        politePollMs: 0,
        ...options,
      });
      opened.push(site);
      const visitor = new SiteVisitor(site.url);
      if (!options.federated) await visitor.logIn(site.username, site.password);
      return { site, visitor };
    });
    for (const site of opened) await site.close();
  },
  definition: async ({ folder }, use) => {
    await use(async (spec) => {
      const file = join(folder, `${spec.serviceName}.sd`);
      await buildServiceDefinition(file, spec);
      return file;
    });
  },
});

/** A quick site where something goes wrong. */
export async function visitWith(
  visit: Fixtures['visit'],
  ...faults: Fault[]
): Promise<VisitedSite> {
  const visited = await visit();
  for (const fault of faults) visited.site.control.fault(fault);
  return visited;
}
