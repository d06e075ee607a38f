import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { ResolveSecret } from '../lib/secret-reference.ts';
import type { SiteConfig } from '../lib/site-config.ts';
import type { Tracing } from '../lib/tracing.ts';
import { SiteConnection } from './site-connection.ts';
import { SiteLogin } from './site-login.ts';
import { watchTraffic } from './site-traffic.ts';

export type SessionDeps = {
  resolveSecret: ResolveSecret;
  log: Log;
  /** Where requests are counted and traced; nowhere without them. */
  metrics?: Metrics;
  tracing?: Tracing;
};

/** Connection and session with one site. They change with the configuration, under running jobs too. */
export class SiteSession {
  readonly site: string;
  readonly #deps: SessionDeps;
  config: SiteConfig;
  connection: SiteConnection;
  login: SiteLogin;

  constructor(site: string, config: SiteConfig, deps: SessionDeps) {
    this.site = site;
    this.#deps = deps;
    this.config = config;
    this.connection = this.#createConnection(config);
    this.login = this.#createLogin();
    this.#warn();
  }

  /** What is under way ends over the old connection; the next request uses the new one. */
  async reconfigure(config: SiteConfig): Promise<void> {
    const old = this.connection;
    this.config = config;
    this.connection = this.#createConnection(config);
    this.login = this.#createLogin();
    this.#warn();
    await old.close();
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  #createConnection(config: SiteConfig): SiteConnection {
    return new SiteConnection(config, watchTraffic(this.site, this.#deps));
  }

  #createLogin(): SiteLogin {
    const { resolveSecret } = this.#deps;
    return new SiteLogin(this.site, this.config, { connection: this.connection, resolveSecret });
  }

  #warn(): void {
    const { log } = this.#deps;
    const { url, adminUrl = url, tls } = this.config;
    if (tls.insecureSkipVerify) {
      log.warn(
        { site: this.site },
        'Certificates of this site are NOT checked: insecureSkipVerify is set',
      );
    }
    if ([url, adminUrl].some((address) => address.startsWith('http:'))) {
      log.warn(
        { site: this.site },
        'This site is addressed without TLS: passwords travel in clear',
      );
    }
  }
}
