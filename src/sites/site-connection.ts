import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import { Agent, request as sendRequest } from 'undici';
import type { SiteConfig } from '../lib/site-config.ts';
import { readCertificate, type ShownCertificate } from './read-certificate.ts';
import type { OpenBody, RequestBody } from './request-body.ts';
import type { WireAnswer } from './site-answer.ts';

export type WireRequest = {
  url: string;
  method: 'GET' | 'POST';
  referer: string;
  body?: RequestBody;
  /** `fresh`: over a connection of its own, so that a kept one which just ended cannot hide what was sent. */
  connection: 'kept' | 'fresh';
  /** For the whole exchange, the reading of the answer included. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Asked when the connection stands, before the first byte; when it throws, nothing was sent. */
  beforeSending?: (() => Promise<void>) | undefined;
};

export type WireFault =
  | 'connect'
  | 'certificate'
  | 'timeout'
  | 'cut'
  | 'too_large'
  | 'unreadable_ca';

/** No whole answer. `wasSent` tells whether a single byte of the request may have reached the site. */
export class WireFailure extends Error {
  override readonly name = 'WireFailure';
  readonly fault: WireFault;
  readonly wasSent: boolean;
  readonly url: string;
  /** With `certificate`: what the address shows, where that could be seen. */
  certificate: ShownCertificate | undefined;

  constructor(fault: WireFault, url: string, sent: { wasSent: boolean }, options: ErrorOptions) {
    super(`${fault}: ${errorCodeOf(options.cause)}`, options);
    this.fault = fault;
    this.wasSent = sent.wasSent;
    this.url = url;
  }
}

const answerLimitBytes = 16 * 2 ** 20;
const connectTimeoutMs = 10_000;

/**
 * Stands around every request: it is handed what sends it, with headers to add, and must hand its answer
 * or its failure on.
 */
export type Traffic = (
  request: WireRequest,
  send: (headers: Record<string, string>) => Promise<WireAnswer>,
) => Promise<WireAnswer>;

/** Which of the processes that share an account this is: a site's access log tells them apart by it. */
const userAgent = `pressroom (${randomBytes(4).toString('hex')})`;

const unwatched: Traffic = (_request, send) => send({});

type Agents = Record<WireRequest['connection'], Agent>;

/** Speaks HTTP to one site, its portal and its token service. Follows no redirects. */
export class SiteConnection {
  readonly #config: SiteConfig;
  readonly #traffic: Traffic;
  #agents: Promise<Agents> | undefined;
  #closing: Promise<void> | undefined;

  constructor(config: SiteConfig, traffic: Traffic = unwatched) {
    this.#config = config;
    this.#traffic = traffic;
  }

  /** @throws WireFailure; the signal's reason when the caller gave up; what the file's stream threw */
  async send(request: WireRequest): Promise<WireAnswer> {
    request.signal?.throwIfAborted();
    return this.#traffic(request, (headers) => this.#send(request, headers));
  }

  async #send(request: WireRequest, headers: Record<string, string>): Promise<WireAnswer> {
    const agents = await this.#openAgents(request.url);
    const deadline = startDeadline(request.timeoutMs, request.signal);
    const body = request.body?.open();
    const sending = trackSending(body, request.beforeSending);
    try {
      const answer = await sendRequest(request.url, {
        dispatcher: agents[request.connection],
        method: request.method,
        headers: {
          accept: 'application/json',
          referer: request.referer,
          'user-agent': userAgent,
          ...headers,
          ...(request.body && {
            'content-type': request.body.contentType,
            'content-length': String(request.body.lengthBytes),
          }),
        },
        ...(sending.stream && { body: sending.stream }),
        signal: deadline.signal,
        headersTimeout: 0, // a site may answer after many minutes; the deadline is ours
        bodyTimeout: 0,
      });
      const text = await readText(answer.body, request.url);
      return {
        url: request.url,
        httpStatus: answer.statusCode,
        headers: pick(answer.headers),
        text,
      };
    } catch (error) {
      request.signal?.throwIfAborted();
      if (sending.refusal) throw sending.refusal.reason;
      if (body?.sourceFault) throw body.sourceFault;
      if (error instanceof WireFailure) throw error;
      const fault = deadline.signal.aborted ? 'timeout' : toFault(error, sending);
      const failure = new WireFailure(fault, request.url, sending, { cause: error });
      if (fault === 'certificate') failure.certificate = await readCertificate(request.url);
      throw failure;
    } finally {
      deadline.release();
      body?.close();
    }
  }

  /** Waits for what is under way; nothing more can be sent. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAgents();
    return this.#closing;
  }

  async #closeAgents(): Promise<void> {
    const agents = await this.#agents?.catch(() => undefined);
    await Promise.all(Object.values(agents ?? {}).map((agent) => agent.close()));
  }

  async #openAgents(url: string): Promise<Agents> {
    if (this.#closing)
      throw new WireFailure('connect', url, { wasSent: false }, { cause: 'closed' });
    this.#agents ??= openAgents(this.#config);
    try {
      return await this.#agents;
    } catch (error) {
      this.#agents = undefined;
      throw new WireFailure('unreadable_ca', url, { wasSent: false }, { cause: error });
    }
  }
}

async function openAgents({ tls, timeoutSeconds }: SiteConfig): Promise<Agents> {
  const connect = {
    timeout: Math.min(connectTimeoutMs, timeoutSeconds * 1000),
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(tls.ca && { ca: [...rootCertificates, await readFile(tls.ca, 'utf8')] }),
  };
  return { kept: new Agent({ connect }), fresh: new Agent({ connect, pipelining: 0 }) };
}

type Sending = { stream?: Readable; wasSent: boolean; refusal?: { reason: unknown } };

/** undici pulls the first chunk when it is connected and about to write, so that is the moment of sending. */
function trackSending(
  body: OpenBody | undefined,
  beforeSending: WireRequest['beforeSending'],
): Sending {
  if (!body) return { wasSent: true };
  const sending: Sending = { wasSent: false };
  async function* watched(chunks: AsyncGenerator<Uint8Array>) {
    try {
      await beforeSending?.();
    } catch (reason) {
      sending.refusal = { reason };
      throw reason;
    }
    sending.wasSent = true;
    yield* chunks;
  }
  sending.stream = Readable.from(watched(body.chunks), { objectMode: false });
  return sending;
}

/** By hand, for `AbortSignal.any` holds on to every signal made of one that lives as long as a job. */
function startDeadline(timeoutMs: number, signal: AbortSignal | undefined) {
  const controller = new AbortController();
  const giveUp = () => controller.abort(signal?.reason);
  const timer = setTimeout(() => controller.abort(new Error('deadline')), timeoutMs);
  signal?.addEventListener('abort', giveUp, { once: true });
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    },
  };
}

async function readText(body: AsyncIterable<Uint8Array>, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > answerLimitBytes) {
      throw new WireFailure('too_large', url, { wasSent: true }, { cause: `${sizeBytes} bytes` });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function pick(headers: Record<string, string | string[] | undefined>): WireAnswer['headers'] {
  const one = (name: string) => [headers[name]].flat()[0];
  const [date, location, contentType] = [one('date'), one('location'), one('content-type')];
  return {
    ...(date && { date }),
    ...(location && { location }),
    ...(contentType && { contentType }),
  };
}

const certificateCodes =
  /CERT|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)|ERR_SSL|ERR_TLS|HOSTNAME_MISMATCH|EPROTO/;

function toFault(error: unknown, { wasSent }: Sending): WireFault {
  const code = errorCodeOf(error);
  if (certificateCodes.test(code)) return 'certificate';
  if (!wasSent || /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|CONNECT_TIMEOUT/.test(code)) return 'connect';
  return 'cut';
}

/** The short name of a network error, such as `ECONNREFUSED`; of several addresses tried, the first one's. */
export function errorCodeOf(error: unknown): string {
  if (typeof error === 'string') return error;
  if (!(error instanceof Error)) return 'unknown';
  if (error instanceof AggregateError && error.errors.length > 0)
    return errorCodeOf(error.errors[0]);
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
