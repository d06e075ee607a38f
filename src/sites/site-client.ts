import { RequestError } from '../lib/errors.ts';
import { startPause } from '../lib/wait.ts';
import { isOfWholeSite, ReadMemory } from './read-memory.ts';
import {
  type FileToSend,
  type FormFields,
  type RequestBody,
  toFormBody,
  toMultipartBody,
} from './request-body.ts';
import { type RestInfo, readPublicJson, toRestInfo } from './rest-info.ts';
import { isTokenRefused, judgeAnswer, type Verdict } from './site-answer.ts';
import { WireFailure } from './site-connection.ts';
import { isNotFound, isRefusal, SiteClosedError, type SiteFailure } from './site-errors.ts';
import { type Asked, fromWireFailure, toSiteFailure } from './site-failures.ts';
import type { SiteSession } from './site-session.ts';
import type { SiteToken } from './token-service.ts';

/** Asked right before every changing request; throws when this attempt may not change anything any more. */
export type ChangeGuard = () => Promise<void>;

/** One request, in the words of the field. */
export type SiteCall = {
  /** Ends the sentence "The site refused to …". */
  to: string;
  /** Sent as a form; JSON arguments are text inside a field. */
  params?: FormFields;
  /** Default: the site's `timeoutSeconds`. */
  timeoutMs?: number;
  /** A read whose answer was cut is sent again after this; else at once. */
  resendAfterMs?: number;
  signal?: AbortSignal | undefined;
};

/** Last argument of everything that is said to a site. */
export type CallOptions = { signal?: AbortSignal | undefined };

export type Door = 'admin' | 'rest';

type Exchange = {
  call: SiteCall;
  kind: Asked['kind'];
  url: string;
  toBody: (token: SiteToken) => RequestBody;
  /** How long the token has to live. */
  lifeMs?: number;
};

/**
 * Says one thing to a site and understands the answer. Every request carries `f=json`, its token in the body
 * and the referer the token is bound to; resources take POST as operations do. Failures come out as the errors
 * of `site-errors.ts`; only a refused token is mended here, by one new login.
 */
export class SiteClient {
  readonly #session: SiteSession;
  readonly #guard: ChangeGuard | undefined;
  readonly #memory: ReadMemory | undefined;

  constructor(session: SiteSession, guard?: ChangeGuard, memory?: ReadMemory) {
    this.#session = session;
    this.#guard = guard;
    this.#memory = memory;
  }

  /** Keeps what it reads of the site as a whole: for looks that end before that grows old. */
  remembering(): SiteClient {
    return new SiteClient(this.#session, this.#guard, new ReadMemory());
  }

  guardedBy(guard: ChangeGuard): SiteClient {
    return new SiteClient(this.#session, guard, this.#memory);
  }

  /** The next login may be tried although the last one was refused. */
  holdReleased(): void {
    this.#session.login.holdReleased();
  }

  /** @throws SiteFailure; never OutcomeUnknownError */
  async read(door: Door, path: readonly string[], call: SiteCall): Promise<unknown> {
    const read = () =>
      this.#exchange({
        call,
        kind: 'read',
        url: this.#toUrl(door, path),
        toBody: (token) => toFormBody({ ...call.params, token: token.value, f: 'json' }),
      });
    if (!this.#memory || door !== 'admin' || !isOfWholeSite(path)) return read();
    return this.#memory.recall(JSON.stringify([path, call.params]), read);
  }

  /** @throws SiteFailure; SiteClosedError also where a refusal is explained by the site being read-only */
  async change(door: Door, path: readonly string[], call: SiteCall): Promise<unknown> {
    return this.#changing(call, {
      call,
      kind: 'change',
      url: this.#toUrl(door, path),
      toBody: (token) => toFormBody({ ...call.params, token: token.value, f: 'json' }),
    });
  }

  /** Streams a file in one multipart request. The token is made to last for it. */
  async upload(path: readonly string[], call: SiteCall, file: FileToSend): Promise<unknown> {
    const timeoutMs = call.timeoutMs ?? this.#session.config.uploadTimeoutSeconds * 1000;
    return this.#changing(call, {
      call: { ...call, timeoutMs },
      kind: 'change',
      url: this.#toUrl('admin', path),
      lifeMs: timeoutMs,
      toBody: (token) => toMultipartBody({ f: 'json', token: token.value, ...call.params }, file),
    });
  }

  /** Reads from the portal of a federated site; undefined where there is none that our account belongs to. */
  async readPortal(path: readonly string[], call: SiteCall): Promise<unknown> {
    const { portal } = await this.#session.login.getToken({ signal: call.signal });
    if (!portal) return undefined;
    const verdict = await this.#sendOnce({
      call,
      kind: 'read',
      url: `${portal.url}/sharing/rest/${toPath(path)}`,
      body: toFormBody({ ...call.params, token: portal.token, f: 'json' }),
    });
    if (verdict.kind === 'json') return verdict.json;
    throw toSiteFailure(verdict, this.#asked({ call, kind: 'read' }));
  }

  /** What a site tells without a token; GET, for it is meant for load balancers. */
  async readPublic(
    path: readonly string[],
    { to, timeoutMs, signal }: SiteCall,
  ): Promise<{ json: unknown; siteTimeMs: number | undefined }> {
    const { config, connection, site } = this.#session;
    const read = () =>
      readPublicJson(connection, {
        site,
        to,
        url: this.#toUrl('rest', path),
        referer: config.url,
        timeoutMs: timeoutMs ?? config.timeoutSeconds * 1000,
        signal,
      });
    return this.#memory ? this.#memory.recall(JSON.stringify(['public', path]), read) : read();
  }

  async readRestInfo(signal?: AbortSignal): Promise<RestInfo> {
    const answer = await this.readPublic(['info'], { to: 'describe itself', signal });
    return toRestInfo(this.#session.site, answer);
  }

  async #changing(call: SiteCall, exchange: Exchange): Promise<unknown> {
    try {
      return await this.#exchange(exchange);
    } catch (error) {
      if (!mayComeOfMode(error) || !(await this.#isReadOnly(call.signal))) throw error;
      throw new SiteClosedError(
        'site_read_only',
        `${this.#session.site} is read-only, and did not ${call.to}.`,
        { ...error.facts, site: this.#session.site },
        { cause: error },
      );
    }
  }

  /** The body of a refusal in this mode is not verified, so the mode itself is looked at (Esri, "Site Mode"). */
  async #isReadOnly(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      const json = await this.read('admin', ['mode'], { to: 'tell its mode', signal });
      return (json as { siteMode?: unknown }).siteMode === 'READ_ONLY';
    } catch {
      signal?.throwIfAborted();
      return false; // before 10.4 there is no mode; the refusal speaks for itself
    }
  }

  /** A refused token means that nothing was done, so the same request may follow a new login. */
  async #exchange(exchange: Exchange): Promise<unknown> {
    const { login } = this.#session;
    const { signal } = exchange.call;
    let token = await login.getToken({ lifeMs: exchange.lifeMs ?? 0, signal });
    for (let isFirstTime = true; ; isFirstTime = false) {
      const verdict = await this.#sendOnce({ ...exchange, body: exchange.toBody(token) });
      if (isTokenRefused(verdict)) {
        const next = await login.replaceRefused(token, { isFirstTime, signal });
        if (next) {
          token = next;
          continue;
        }
      } else {
        login.wasAccepted(token);
      }
      if (verdict.kind === 'json') return verdict.json;
      throw toSiteFailure(verdict, this.#asked(exchange));
    }
  }

  async #sendOnce({
    call,
    kind,
    url,
    body,
  }: Pick<Exchange, 'call' | 'kind' | 'url'> & { body: RequestBody }): Promise<Verdict> {
    const { config, connection } = this.#session;
    const request = {
      url,
      body,
      method: 'POST' as const,
      referer: config.url,
      connection: kind === 'read' ? ('kept' as const) : ('fresh' as const),
      timeoutMs: call.timeoutMs ?? config.timeoutSeconds * 1000,
      signal: call.signal,
      // Not earlier: another attempt may get the job while a connection comes about.
      beforeSending: kind === 'change' ? this.#guard : undefined,
    };
    try {
      const answer = await connection.send(request).catch(async (error: unknown) => {
        const isStale = kind === 'read' && error instanceof WireFailure && error.fault === 'cut';
        if (!isStale) throw error;
        if (call.resendAfterMs !== undefined)
          await startPause(call.resendAfterMs, call.signal ?? new AbortController().signal).over;
        return connection.send(request); // a kept connection may have ended unnoticed
      });
      return judgeAnswer(answer);
    } catch (error) {
      throw error instanceof WireFailure
        ? fromWireFailure(error, this.#asked({ call, kind }))
        : error;
    }
  }

  #asked({ call, kind }: Pick<Exchange, 'call' | 'kind'>): Asked {
    return { site: this.#session.site, to: call.to, kind };
  }

  #toUrl(door: Door, path: readonly string[]): string {
    const { url, adminUrl = url } = this.#session.config;
    const root = door === 'admin' ? adminUrl : url;
    return `${root}/${door}${path.length > 0 ? '/' : ''}${toPath(path)}`;
  }
}

/** A refusal that speaks for itself needs no look at the mode. */
function mayComeOfMode(error: unknown): error is SiteFailure {
  return isRefusal(error) && !isNotFound(error) && error.siteCode !== 498 && error.siteCode !== 499;
}

function toPath(segments: readonly string[]): string {
  return segments.map(toSegment).join('/');
}

/** A segment that would climb out of its place is no name of anything. */
function toSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..') {
    throw new RequestError(
      'validation_error',
      `"${segment}" cannot stand in the address of anything on a site.`,
    );
  }
  return encodeURIComponent(segment);
}
