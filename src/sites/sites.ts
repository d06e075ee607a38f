import { digestOf } from '../lib/digest.ts';
import { RequestError } from '../lib/errors.ts';
import type { SiteConfig } from '../lib/site-config.ts';
import { type ChangeGuard, SiteClient } from './site-client.ts';
import { type SessionDeps, SiteSession } from './site-session.ts';

/** One configured site. `config` is the present one: it may change while a job holds the site. */
export type Site = {
  readonly name: string;
  readonly config: SiteConfig;
  readonly client: SiteClient;
  /** The same site for one attempt: the guard is asked before each of its changes. */
  guardedBy(guard: ChangeGuard): Site;
  /** The same site for one look at many things: what it says of itself as a whole is read once. */
  remembering(): Site;
};

export type Sites = {
  names(): string[];
  /** @throws RequestError `unknown_site` */
  get(name: string): Site;
  /** Takes a new configuration; a changed site forgets its session, an unchanged one keeps it. */
  reload(configs: Record<string, SiteConfig>): void;
  close(): Promise<void>;
};

type Entry = { session: SiteSession; digest: string; isConfigured: boolean };

/** Connects to nothing yet: each site is logged in to when it is first asked something. */
export function openSites(configs: Record<string, SiteConfig>, deps: SessionDeps): Sites {
  const entries = new Map<string, Entry>();

  function reload(newConfigs: Record<string, SiteConfig>): void {
    for (const [name, entry] of entries) entry.isConfigured = Object.hasOwn(newConfigs, name);
    for (const [name, config] of Object.entries(newConfigs)) {
      const entry = entries.get(name);
      const digest = digestOf(config);
      if (!entry) {
        const session = new SiteSession(name, config, deps);
        entries.set(name, { session, digest, isConfigured: true });
      } else if (entry.digest !== digest) {
        entry.digest = digest;
        entry.session.reconfigure(config).catch((error: unknown) => {
          deps.log.warn({ err: error, site: name }, 'An old connection to a site did not close');
        });
      }
    }
  }

  reload(configs);
  return {
    names: () => [...entries].filter(([, entry]) => entry.isConfigured).map(([name]) => name),
    get: (name) => {
      const entry = entries.get(name);
      if (!entry?.isConfigured) {
        throw new RequestError('unknown_site', `The site ${name} is not configured.`);
      }
      return createSite(entry.session, new SiteClient(entry.session));
    },
    reload,
    close: async () => {
      await Promise.all([...entries.values()].map((entry) => entry.session.close()));
      entries.clear();
    },
  };
}

function createSite(session: SiteSession, client: SiteClient): Site {
  return {
    name: session.site,
    get config() {
      return session.config;
    },
    client,
    remembering: () => createSite(session, client.remembering()),
    guardedBy: (guard) => createSite(session, client.guardedBy(guard)),
  };
}
