import type { IncomingHttpHeaders } from 'node:http';
import type { IdempotencyRecords, Lease } from '../../jobs/idempotency.ts';
import { RequestError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import type { AcceptedAnswer } from './job-acceptance.ts';

/** Patience with a body that comes slowly: one second per 256 KiB, two hours where no length is told. */
const slowestBytesPerMs = 262;
const unknownLengthMs = 7_200_000;
const leastLeaseMs = 120_000;

type Held =
  | { kind: 'none' }
  | { kind: 'first'; lease: Lease }
  | { kind: 'repeated'; fingerprint: string; answer: string };

/** The `Idempotency-Key` of one request: whether it is the first of its kind, and what becomes of it. */
export class Idempotent {
  readonly #records: IdempotencyRecords;
  readonly #held: Held;
  readonly #log: Log;

  private constructor(records: IdempotencyRecords, held: Held, log: Log) {
    this.#records = records;
    this.#held = held;
    this.#log = log;
  }

  /** @throws RequestError idempotency_in_flight while another request with the key is worked on */
  static async claim(
    headers: IncomingHttpHeaders,
    { owner, records, log }: { owner: string; records: IdempotencyRecords; log: Log },
  ): Promise<Idempotent> {
    const key = parseIdempotencyKey(headers['idempotency-key']);
    if (key === undefined) return new Idempotent(records, { kind: 'none' }, log);
    const claim = await records.claim(owner, key, leaseMsFor(headers));
    if (claim.kind === 'in-flight') {
      throw new RequestError(
        'idempotency_in_flight',
        'A request with this key is being worked on.',
        {
          headers: { 'retry-after': '1' },
        },
      );
    }
    const held: Held =
      claim.kind === 'done'
        ? { kind: 'repeated', fingerprint: claim.fingerprint, answer: claim.answer }
        : { kind: 'first', lease: { key: claim.key, lease: claim.lease } };
    return new Idempotent(records, held, log);
  }

  get lease(): Lease | undefined {
    return this.#held.kind === 'first' ? this.#held.lease : undefined;
  }

  /**
   * Says what the request was, once it is known whole.
   *
   * @param toFingerprints asked where there is a key: the first is kept, any of them is known again
   * @returns the first answer, when this request repeats another
   * @throws RequestError idempotency_key_reused when the key belongs to a different request
   */
  async settle(toFingerprints: () => readonly string[]): Promise<AcceptedAnswer | undefined> {
    if (this.#held.kind === 'none') return undefined;
    const fingerprints = toFingerprints();
    if (this.#held.kind === 'first') {
      await this.#records.setFingerprint(this.#held.lease, fingerprints[0] ?? '');
      return undefined;
    }
    if (fingerprints.includes(this.#held.fingerprint))
      return JSON.parse(this.#held.answer) as AcceptedAnswer;
    throw new RequestError(
      'idempotency_key_reused',
      'The key was used for a request with another content.',
      {
        errors: [{ header: 'Idempotency-Key', detail: 'use a new key for a new request' }],
      },
    );
  }

  /** A refused request leaves its key free. A key that cannot be freed frees itself in time. */
  async release(): Promise<void> {
    if (this.#held.kind !== 'first') return;
    await this.#records.release(this.#held.lease).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'An idempotency key was not released');
    });
  }
}

function leaseMsFor(headers: IncomingHttpHeaders): number {
  if (headers['transfer-encoding'] !== undefined) return unknownLengthMs;
  return leastLeaseMs + Math.ceil(Number(headers['content-length'] ?? 0) / slowestBytesPerMs);
}
