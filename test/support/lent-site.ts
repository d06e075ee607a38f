import { test as base } from 'vitest';
import { createLog } from '../../src/lib/log.ts';
import { SiteConfig } from '../../src/lib/site-config.ts';
import type { SessionDeps } from '../../src/sites/site-session.ts';
import { openSites, type Site, type Sites } from '../../src/sites/sites.ts';
import { openScriptedSite, type Script, type ScriptedSite } from './scripted-site.ts';

export type LentSite = { wire: ScriptedSite; sites: Sites; site: Site };

export type LentSiteOptions = {
  script?: Script;
  config?: Record<string, unknown>;
  tls?: { key: string; cert: string };
  readSecret?: () => Promise<string>;
  watch?: Pick<SessionDeps, 'metrics' | 'tracing'>;
};

/** What every stand-alone site answers to a login; each token is another one. */
const standAlone: Script = {
  '/arcgis/rest/info': () => ({
    body: { currentVersion: 10.91, authInfo: { isTokenBasedSecurity: true } },
  }),
  '/arcgis/admin/generateToken': (_, times) => ({
    body: { token: `token-${times}`, expires: String(Date.now() + 3_600_000) },
  }),
};

type Lend = (options?: LentSiteOptions) => Promise<LentSite>;

/** `lend` opens a scripted site and our client for it; both are closed after the test. */
export const test = base.extend<{ lend: Lend }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  lend: async ({}, use) => {
    const opened: LentSite[] = [];
    await use(async ({ script, config, tls, readSecret, watch } = {}) => {
      const wire = await openScriptedSite({ ...standAlone, ...script }, tls);
      const parsed = SiteConfig.parse({
        url: wire.url,
        auth: { username: 'publisher', password: { env: 'TEST_SITE_PASSWORD' } },
        ...config,
      });
      const resolveSecret = readSecret ?? (async () => 'open sesame');
      const sites = openSites(
        { demo: parsed },
        { resolveSecret, log: createLog({ level: 'silent' }), ...watch },
      );
      const lent = { wire, sites, site: sites.get('demo') };
      opened.push(lent);
      return lent;
    });
    for (const { sites, wire } of opened) {
      await wire.close();
      await sites.close();
    }
  },
});
