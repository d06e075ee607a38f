import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { Problem } from '../lib/problem.ts';
import { pause } from '../lib/wait.ts';

/** What the demo reads of a job; the rest is for others. */
export const Job = z.looseObject({
  jobID: z.string(),
  status: z.enum(['accepted', 'running', 'successful', 'failed', 'dismissed']),
  progress: z.number(),
  message: z.string(),
  step: z.string().optional(),
  undo: z.string().optional(),
  warnings: z.array(z.string()).default([]),
  exception: Problem.optional(),
});
export type Job = z.output<typeof Job>;

const Results = z.looseObject({
  outcome: z.string(),
  verification: z.string(),
  service: z.looseObject({
    name: z.string(),
    folder: z.string(),
    type: z.string(),
    restUrl: z.string(),
    layers: z.array(z.unknown()),
    tables: z.array(z.unknown()),
  }),
  seconds: z.record(z.string(), z.number()),
});
export type Results = z.output<typeof Results>;

const SiteInfo = z.looseObject({ health: z.string().optional(), version: z.string().optional() });

/** The API refused the request. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.title);
    this.problem = problem;
  }
}

const processPath = '/processes/publish-service-definition/execution';
const boundary = 'pressroom-demo-boundary';
const lookEveryMs = 200;

/** Sends a definition from disk in one request, a chunk at a time. @throws RefusedError */
export async function publishFile(
  api: string,
  { file, inputs }: { file: string; inputs: Record<string, string> },
  signal: AbortSignal,
): Promise<Job> {
  const fields = Object.entries(inputs).map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const fileName = basename(file).replaceAll('"', '%22');
  const head = `${fields.join('')}--${boundary}\r\nContent-Disposition: form-data; name="serviceDefinition"; filename="${fileName}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const tail = `\r\n--${boundary}--\r\n`;
  const { size } = await stat(file);
  const sending = request(`${api}${processPath}`, {
    method: 'POST',
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': Buffer.byteLength(head) + size + Buffer.byteLength(tail),
    },
    signal,
  });
  async function* body() {
    yield head;
    yield* createReadStream(file, { highWaterMark: 2 ** 20 });
    yield tail;
  }
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sending.once('response', resolve);
    sending.on('error', reject);
  });
  // A refusal may come before all is sent: the answer counts, not the line that was cut after it.
  const [answer] = await Promise.all([answered, pipeline(body, sending).catch(() => undefined)]);
  return Job.parse(judge(answer.statusCode ?? 0, JSON.parse(await text(answer))));
}

async function read(url: string, signal: AbortSignal): Promise<unknown> {
  const answer = await fetch(url, { signal });
  return judge(answer.status, await answer.json());
}

function judge(status: number, json: unknown): unknown {
  if (status < 400) return json;
  throw new RefusedError(Problem.parse(json));
}

/** Looks at a job until it has ended and all is put back that had to be. */
export async function followJob(
  api: string,
  jobId: string,
  { onLook, signal }: { onLook: (job: Job) => void; signal: AbortSignal },
): Promise<Job> {
  for (;;) {
    const job = Job.parse(await read(`${api}/jobs/${jobId}`, signal));
    onLook(job);
    const hasEnded = job.status !== 'accepted' && job.status !== 'running';
    if (hasEnded && job.undo !== 'pending') return job;
    await pause(lookEveryMs, signal);
  }
}

export async function readResults(api: string, jobId: string, signal: AbortSignal) {
  return Results.parse(await read(`${api}/jobs/${jobId}/results`, signal));
}

/** Waits until a worker has looked at the site, so that what the site cannot take is refused at once. */
export async function untilSiteIsKnown(api: string, site: string, signal: AbortSignal) {
  for (;;) {
    const seen = SiteInfo.parse(await read(`${api}/sites/${site}`, signal));
    if (seen.health === 'up') return seen;
    await pause(lookEveryMs, signal);
  }
}
