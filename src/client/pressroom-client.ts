import { createWriteStream, openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from '../../openapi/api.d.ts';

type Schemas = components['schemas'];
export type StatusInfo = Schemas['StatusInfo'];
export type Upload = Schemas['Upload'];
export type Problem = Schemas['Problem'];

type ExecutionPath = Extract<keyof paths, `/v1/processes/${string}/execution`>;
/** The processes of this version; a gateway may offer others. */
export type ProcessId = ExecutionPath extends `/v1/processes/${infer Id}/execution` ? Id : never;
/** What a process takes; anything where this version does not know the process. */
export type InputsOf<Id extends string> = Id extends ProcessId
  ? paths[`/v1/processes/${Id}/execution`]['post']['requestBody']['content']['application/json']['inputs']
  : Record<string, unknown>;

export type ClientOptions = {
  /** Root of the gateway, without `/v1`. */
  baseUrl: string;
  apiKey?: string;
};

export type ExecuteOptions = {
  labels?: string[];
  reference?: string;
  /** The same key makes the same job, however often the request is sent. */
  idempotencyKey?: string;
  /** Holds the answer until the job has ended or these seconds have passed. */
  waitSeconds?: number;
  signal?: AbortSignal;
};

export type WaitOptions = { signal?: AbortSignal; onStatus?: (status: StatusInfo) => void };

/** A refusal: `problem.code` says which kind, the same on every deployment. */
export class PressroomError extends Error {
  override readonly name = 'PressroomError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

/** For callers of the gateway: every operation, typed, under `api`, and what one mostly wants beside it. */
export class PressroomClient {
  readonly api: Client<paths>;
  readonly #root: string;
  readonly #headers: Record<string, string>;

  constructor({ baseUrl, apiKey }: ClientOptions) {
    this.#root = baseUrl.replace(/\/+$/, '');
    this.#headers = apiKey === undefined ? {} : { 'x-api-key': apiKey };
    this.api = createClient<paths>({ baseUrl: this.#root, headers: this.#headers });
  }

  /**
   * Streams a file to the gateway; memory does not grow with it.
   *
   * @param file a path, or what to send
   * @throws PressroomError
   */
  async uploadFile(
    file: string | Blob,
    { name, signal }: { name?: string; signal?: AbortSignal } = {},
  ): Promise<Upload> {
    const body = typeof file === 'string' ? await openAsBlob(file) : file;
    const called = name ?? (typeof file === 'string' ? basename(file) : 'unnamed');
    return this.#send<Upload>(`/v1/uploads?name=${encodeURIComponent(called)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body,
      ...(signal && { signal }),
    });
  }

  /**
   * Asks for a job. Files are links in the inputs: `{ href: upload.links[0].href }`.
   *
   * @throws PressroomError
   */
  async execute<Id extends string>(
    processId: Id,
    inputs: InputsOf<Id>,
    { labels, reference, idempotencyKey, waitSeconds, signal }: ExecuteOptions = {},
  ): Promise<StatusInfo> {
    return this.#send<StatusInfo>(`/v1/processes/${encodeURIComponent(processId)}/execution`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        prefer: waitSeconds === undefined ? 'respond-async' : `respond-async, wait=${waitSeconds}`,
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      body: JSON.stringify({
        inputs,
        ...(labels && { labels }),
        ...(reference !== undefined && { reference }),
      }),
      ...(signal && { signal }),
    });
  }

  /**
   * Polls as often as the gateway asks for, until the job has ended and what it had begun is put back.
   * A failed job is no error here: look at `status` and `exception`.
   *
   * @throws PressroomError, or the signal's reason
   */
  async waitForJob(jobId: string, { signal, onStatus }: WaitOptions = {}): Promise<StatusInfo> {
    for (;;) {
      const response = await this.#fetch(`/v1/jobs/${encodeURIComponent(jobId)}`, {
        ...(signal && { signal }),
      });
      const status = (await response.json()) as StatusInfo;
      onStatus?.(status);
      const retryAfter = response.headers.get('retry-after');
      if (retryAfter === null) return status;
      await pause(Number(retryAfter) * 1_000, undefined, { ...(signal && { signal }) });
    }
  }

  /** @throws PressroomError, for a failed job with what went wrong */
  async readResults<Results = unknown>(
    jobId: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Results> {
    return this.#send<Results>(`/v1/jobs/${encodeURIComponent(jobId)}/results`, {
      ...(signal && { signal }),
    });
  }

  /**
   * Streams a file that a job made to a path; one that is there already is overwritten.
   *
   * @throws PressroomError
   */
  async saveArtifact(
    artifactId: string,
    path: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<void> {
    const options = { ...(signal && { signal }) };
    const { body } = await this.#fetch(`/v1/artifacts/${encodeURIComponent(artifactId)}`, options);
    const source = body ? Readable.fromWeb(body) : Readable.from([]);
    await pipeline(source, createWriteStream(path), options);
  }

  async #send<Answer>(path: string, request: RequestInit): Promise<Answer> {
    return (await (await this.#fetch(path, request)).json()) as Answer;
  }

  async #fetch(path: string, { headers, ...request }: RequestInit): Promise<Response> {
    const response = await fetch(this.#root + path, {
      ...request,
      headers: { ...this.#headers, ...(headers as Record<string, string> | undefined) },
    });
    if (response.ok) return response;
    throw new PressroomError(toProblem(response, await response.text()));
  }
}

export function createPressroomClient(options: ClientOptions): PressroomClient {
  return new PressroomClient(options);
}

/** What stands between may answer with a page of its own. */
function toProblem({ status, statusText }: Response, text: string): Problem {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return {
      type: 'about:blank',
      title: statusText || 'Refused',
      status,
      code: 'unknown',
      detail: text.slice(0, 500),
    };
  }
}
