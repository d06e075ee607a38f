import { isIP } from 'node:net';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import { type Destination, openConnection } from './egress-connection.ts';
import {
  DestinationNotAllowedError,
  type EgressPolicy,
  isInnerName,
  isPublicAddress,
} from './egress-policy.ts';

export type SendFailure = 'timeout' | 'connection_failed' | 'tls_failed' | 'bad_response';

/** The destination was allowed and no answer came that can be read. */
export class SendFailedError extends Error {
  override readonly name = 'SendFailedError';
  readonly failure: SendFailure;

  constructor(failure: SendFailure, options: ErrorOptions) {
    super(`Sending failed: ${failure}`, options);
    this.failure = failure;
  }
}

export type Sending = {
  url: string;
  body: Buffer;
  headers: Record<string, string>;
  signal: AbortSignal;
};

export type SendAnswer = {
  status: number;
  /** What `Retry-After` asks for. */
  retryAfterMs?: number;
  /** Beginning of the body, at most 1 KiB. */
  bodyExcerpt: string;
  durationMs: number;
};

const longestBodyBytes = 16 * 1024;
const excerptBytes = 1024;
const longestHostname = 253;

/** @throws DestinationNotAllowedError; also when the name leads nowhere, or not in time */
export async function checkDestination(url: string, policy: EgressPolicy): Promise<void> {
  await vet(url, policy, AbortSignal.timeout(policy.connectMs));
}

/**
 * Sends one POST request and reads a little of the answer. Every status is an answer; redirects are
 * not followed. The name is resolved and judged anew each time.
 *
 * @throws DestinationNotAllowedError, SendFailedError, or the signal's reason
 */
export async function sendToDestination(
  { url, body, headers, signal }: Sending,
  policy: EgressPolicy,
): Promise<SendAnswer> {
  const startedMs = performance.now();
  const patience = new Patience(signal, policy.totalMs);
  let client: Client | undefined;
  try {
    const destination = await vet(url, policy, patience.signal);
    client = openClient(destination, policy, patience.signal);
    const { pathname, search } = destination.url;
    const response = await client.request({
      method: 'POST',
      path: pathname + search,
      headers: { ...headers, connection: 'close' },
      body,
      signal: patience.signal,
    });
    const bodyExcerpt = await readExcerpt(response.body);
    return {
      status: response.statusCode,
      ...toRetryAfter(response.headers['retry-after']),
      bodyExcerpt,
      durationMs: Math.round(performance.now() - startedMs),
    };
  } catch (error) {
    signal.throwIfAborted();
    throw toSendFailure(error, patience);
  } finally {
    patience.end();
    client?.destroy().catch(() => undefined); // what is left of the answer is of no use
  }
}

/** Ends with the signal or after a time. Unlike `AbortSignal.any` it leaves nothing at a signal that lives long. */
class Patience {
  readonly #stop = new AbortController();
  readonly #outer: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = () => this.#stop.abort(this.#outer.reason);
  isOver = false;

  constructor(outer: AbortSignal, ms: number) {
    this.#outer = outer;
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.#stop.abort(new Error('It took too long'));
    }, ms);
    if (outer.aborted) this.#onAbort();
    else outer.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#onAbort);
  }
}

async function vet(text: string, policy: EgressPolicy, signal: AbortSignal): Promise<Destination> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw new DestinationNotAllowedError();
  const hostname = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const isNamed = policy.allow.namesHost(hostname, port);
  const isGood =
    (url.protocol === 'https:' || (url.protocol === 'http:' && policy.allowHttp)) &&
    url.username === '' &&
    url.password === '' &&
    hostname.length <= longestHostname &&
    !hostname.split('.').includes('') &&
    !policy.deny.namesHost(hostname, port) &&
    (isNamed || policy.ports.has(port)) &&
    (isNamed || isIP(hostname) !== 0 || !isInnerName(hostname));
  if (!isGood) throw new DestinationNotAllowedError();
  // A literal is an answer in itself: no resolver is asked for it, and no `lookup` called.
  const addresses =
    isIP(hostname) === 0 ? await resolveWithin(hostname, policy, signal) : [hostname];
  const areGood = addresses.every((address) => isAllowed(address, { isNamed, policy }));
  if (addresses.length === 0 || !areGood) throw new DestinationNotAllowedError();
  return { url, hostname, port, addresses };
}

function isAllowed(
  address: string,
  { isNamed, policy }: { isNamed: boolean; policy: EgressPolicy },
): boolean {
  if (policy.deny.holds(address)) return false;
  return isNamed || policy.allow.holds(address) || isPublicAddress(address);
}

/** The resolver of the system cannot be called off, but nobody has to wait for it. */
async function resolveWithin(
  hostname: string,
  policy: EgressPolicy,
  signal: AbortSignal,
): Promise<string[]> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new DestinationNotAllowedError()), {
      once: true,
    });
  });
  const found = policy.resolve(hostname).catch(() => []);
  return signal.aborted ? [] : Promise.race([found, late]);
}

/** A connection of its own to one vetted address; nothing is kept for the next one. */
function openClient(destination: Destination, policy: EgressPolicy, signal: AbortSignal): Client {
  const connect: buildConnector.connector = (_options, done) => {
    openConnection(destination, policy, signal).then(
      (socket) => done(null, socket),
      (error: Error) => done(error, null),
    );
  };
  return new Client(destination.url.origin, {
    connect,
    pipelining: 0,
    headersTimeout: policy.totalMs,
    bodyTimeout: policy.totalMs,
  });
}

/** The status stands once it has come: a body that is too long, too slow or broken off only ends early. */
async function readExcerpt(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body) {
      if (sizeBytes < excerptBytes) chunks.push(chunk as Buffer);
      sizeBytes += (chunk as Buffer).length;
      if (sizeBytes >= longestBodyBytes) break;
    }
  } catch {
    body.destroy();
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, excerptBytes));
}

/** Seconds or a date (RFC 9110, section 10.2.3). */
function toRetryAfter(header: string | string[] | undefined): { retryAfterMs?: number } {
  const text = [header].flat()[0]?.trim() ?? '';
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? { retryAfterMs: ms } : {};
}

function toSendFailure(error: unknown, patience: Patience): Error {
  if (error instanceof DestinationNotAllowedError) return error;
  const { code = '', name } = error as NodeJS.ErrnoException;
  return new SendFailedError(patience.isOver ? 'timeout' : nameFailure(code, name), {
    cause: error,
  });
}

function nameFailure(code: string, name: string): SendFailure {
  if (name === 'TimeoutError' || code.includes('TIMEOUT') || code === 'ETIMEDOUT') return 'timeout';
  if (/CERT|TLS|SSL|EPROTO|ALTNAME|UNABLE_TO/.test(code)) return 'tls_failed';
  if (name === 'HTTPParserError' || /^UND_ERR_(?!SOCKET|CONNECT)/.test(code)) return 'bad_response';
  return 'connection_failed';
}
