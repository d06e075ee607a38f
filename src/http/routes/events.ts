import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { JobNews } from '../../jobs/change-feed.ts';
import type { JobEvent } from '../../jobs/job-events.ts';
import { hasEnded, type JobSummary } from '../../jobs/job-record.ts';
import { RequestError } from '../../lib/errors.ts';
import { jobReadingScopes, reachesSite, seesJobsOf } from '../caller.ts';
import { type EventStream, EventStreams } from '../event-streams.ts';
import type { HttpDeps } from '../http-deps.ts';
import { getJob } from '../job-access.ts';
import { jobUrl } from '../links.ts';
import { JobPath, operation } from '../operation.ts';
import { toStatusInfo } from '../status-info.ts';

type Deps = Pick<HttpDeps, 'records' | 'events' | 'feed' | 'siteConfigs' | 'metrics'>;

/**
 * The feed goes on where it was after a break. Only news that Redis itself lost would be missed, so the job is
 * looked at now and then anyway: seldom, for thousands may listen.
 */
const lookAgainMs = 30_000;

export async function eventRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  const streams = new EventStreams((count) => deps.metrics.sseClients.set(count));
  app.addHook('preClose', async () => streams.close());

  app.get('/jobs/:jobId/events', jobEventsOperation, async (request, reply) => {
    const record = await getJob(request, deps.records);
    const last = readLastEventId(request, /^\d{1,15}$/);
    if (
      hasEnded(record) &&
      last !== undefined &&
      Number(last) >= (await deps.events.readNewest(record.jobId))
    ) {
      return reply.code(204).send(); // a browser does not come back then
    }
    const stream = streams.open(request, reply);
    const following = new JobFollower(deps, stream, request.root);
    await following.follow(record, last === undefined ? undefined : Number(last));
    return reply;
  });

  app.get('/events', allEventsOperation, async (request, reply) => {
    const { site } = request.query as z.output<typeof EventsQuery>;
    if (
      site !== undefined &&
      (!reachesSite(request.caller, site) || !(site in deps.siteConfigs()))
    ) {
      throw new RequestError('invalid_parameter', `No site ${site} is known to this API key.`, {
        errors: [{ parameter: 'site', detail: 'no site of this name' }],
      });
    }
    const last = readLastEventId(request, /^\d{1,15}-\d{1,15}$/);
    await deps.events.readNewestNewsId(); // Redis away: 503, which a stream that was opened cannot say
    const stream = streams.open(request, reply);
    await followAll(deps, stream, {
      isWanted: (news) =>
        news.kind !== 'log' &&
        (site === undefined || news.site === site) &&
        seesJobsOf(request.caller, news.owner),
      last,
      root: request.root,
    });
    return reply;
  });
}

/** One job for one listener: what is kept since the last event it saw, then news as they come. */
class JobFollower {
  readonly #deps: Deps;
  readonly #stream: EventStream;
  readonly #root: string;
  #seen = 0;

  constructor(deps: Deps, stream: EventStream, root: string) {
    this.#deps = deps;
    this.#stream = stream;
    this.#root = root;
  }

  async follow(record: JobSummary, last: number | undefined): Promise<void> {
    let wake = () => {};
    const stopListening = this.#deps.feed.listenTo(record.jobId, () => wake());
    this.#stream.onOver(() => wake());
    try {
      if (last === undefined) await this.#sendSnapshot(record.jobId);
      else this.#seen = last;
      while (!this.#stream.isOver()) {
        const isNews = new Promise<void>((resolve) => {
          const late = setTimeout(resolve, lookAgainMs);
          late.unref();
          wake = () => {
            clearTimeout(late);
            resolve();
          };
        });
        if (await this.#sendNews(record.jobId)) break;
        await isNews;
      }
    } catch (error) {
      if (!this.#stream.isOver()) throw error;
    } finally {
      stopListening();
      this.#stream.end();
    }
  }

  /** The whole state first; what happened before is in the log. */
  async #sendSnapshot(jobId: string): Promise<void> {
    this.#seen = await this.#deps.events.readNewest(jobId);
    const record = await this.#deps.records.findSummary(jobId);
    if (!record) return;
    await this.#stream.send({
      id: String(this.#seen),
      event: 'status',
      data: toStatusInfo(record, this.#root),
    });
  }

  /** @returns whether the job has ended and all of it was told */
  async #sendNews(jobId: string): Promise<boolean> {
    const record = await this.#deps.records.findSummary(jobId);
    for (;;) {
      const events = await this.#deps.events.readAfter(jobId, this.#seen);
      for (const event of events) {
        await this.#stream.send({ id: String(event.number), ...shown(event, record, this.#root) });
        this.#seen = event.number;
      }
      if (events.length === 0) return record === undefined || hasEnded(record);
    }
  }
}

/** The last event of an ended job carries the whole state; earlier ones what changed. */
function shown(
  event: JobEvent,
  record: JobSummary | undefined,
  root: string,
): { event: string; data: unknown } {
  if (event.kind === 'log') return { event: 'log', data: event.entry };
  const { number: _, kind: __, ...changed } = event;
  const isLast = record !== undefined && hasEnded(record) && event.rev === record.rev;
  return {
    event: 'status',
    data: isLast ? toStatusInfo(record, root) : { jobID: record?.jobId, ...changed },
  };
}

type Following = { isWanted: (news: JobNews) => boolean; last: string | undefined; root: string };

async function followAll(
  { events, feed }: Deps,
  stream: EventStream,
  { isWanted, last, root }: Following,
): Promise<void> {
  const waiting: JobNews[] = [];
  let wake = () => {};
  const stopListening = feed.listen((news) => {
    if (!isWanted(news)) return;
    waiting.push(news);
    wake();
  });
  stream.onOver(() => wake());
  try {
    let seen = last ?? (await events.readNewestNewsId());
    for (const missed of last === undefined ? [] : await events.readNewsAfter(last)) {
      if (isWanted(missed)) await sendNews(stream, missed, root);
      seen = missed.id;
    }
    while (!stream.isOver()) {
      for (let news = waiting.shift(); news; news = waiting.shift()) {
        if (isAfter(news.id, seen)) await sendNews(stream, news, root);
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (waiting.length > 0 || stream.isOver()) resolve();
      });
    }
  } finally {
    stopListening();
    stream.end();
  }
}

async function sendNews(
  stream: EventStream,
  { id, jobId, processID, site, status, rev, kind }: JobNews,
  root: string,
): Promise<void> {
  const data = {
    jobID: jobId,
    processID,
    ...(site && { site }),
    status,
    rev,
    change: kind,
    href: jobUrl(root, jobId),
  };
  await stream.send({ id, event: 'job', data });
}

function isAfter(id: string, other: string): boolean {
  const [ms = 0, count = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherCount = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && count > otherCount);
}

/** @throws RequestError for an id that none of our events has */
function readLastEventId(request: FastifyRequest, form: RegExp): string | undefined {
  const id = request.headers['last-event-id'];
  if (id === undefined || id === '') return undefined;
  if (typeof id === 'string' && form.test(id)) return id;
  throw new RequestError('malformed_request', 'Last-Event-ID is not an id of these events.', {
    errors: [
      { header: 'Last-Event-ID', detail: 'send the id of the last event that was received' },
    ],
  });
}

const EventsQuery = z.strictObject({
  site: z.string().optional().describe('Only jobs of this site'),
});

const eventStream = {
  200: {
    description: 'Server-sent events',
    schema: z.string().describe('text/event-stream'),
    types: ['text/event-stream'],
  },
};

const jobEventsOperation = operation({
  operationId: 'followJob',
  tag: 'jobs',
  summary: 'Follow a job as server-sent events',
  description:
    'First `status` with the whole state, then `status` and `log` as they happen. Ids count the events of the job: send the last one as `Last-Event-ID` to go on without a gap. The stream ends with the job; a later reconnect with the last id is answered 204.',
  scopes: jobReadingScopes,
  path: JobPath,
  answers: {
    ...eventStream,
    204: { description: 'The job has ended and everything was received' },
  },
  problems: [400, 401, 403, 404, 406, 500, 503],
  produces: ['text/event-stream'],
});

const allEventsOperation = operation({
  operationId: 'followJobs',
  tag: 'jobs',
  summary: 'Follow all jobs of the caller as server-sent events',
  description:
    'An event `job` for each change of each job that the API key sees, optionally of one site. With `Last-Event-ID` it goes on from there, as far as the stream of changes reaches back.',
  scopes: jobReadingScopes,
  query: EventsQuery,
  answers: eventStream,
  problems: [400, 401, 403, 406, 500, 503],
  produces: ['text/event-stream'],
});
