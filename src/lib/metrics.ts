import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  Registry,
} from 'prom-client';
import { Scrape, type ScrapedReading } from './scrape.ts';

/** The one prefix of all names. */
const prefix = 'pressroom_';

const httpBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const siteBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];
const transferBuckets = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600];
const jobBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400];
const redisBuckets = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

type Common<L extends string> = Pick<CounterConfiguration<L>, 'name' | 'help' | 'registers'> & {
  labelNames: L[];
};

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Every number that this process tells about itself. Labels are names of routes, sites, queues, job types,
 * steps and outcomes: few, and chosen by nobody who calls. A job without a site has an empty `site`.
 */
export function createMetrics({ part, version }: { part: 'http' | 'worker'; version: string }) {
  const registry = new Registry();
  const scrape = new Scrape();

  function named<L extends string>(name: string, help: string, labelNames: L[]): Common<L> {
    return { name: prefix + name, help, labelNames, registers: [registry] };
  }
  function counter<L extends string = never>(name: string, help: string, ...labels: L[]) {
    return new Counter<L>(named(name, help, labels));
  }
  function gauge<L extends string = never>(name: string, help: string, ...labels: L[]) {
    return new Gauge<L>(named(name, help, labels));
  }
  function histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    ...labels: L[]
  ) {
    return new Histogram<L>({ ...named(name, help, labels), buckets });
  }

  gauge('build_info', 'Always 1: what runs here', 'version', 'part', 'node').set(
    { version, part, node: process.version },
    1,
  );

  return {
    ...createHttpMetrics({ counter, gauge, histogram }),
    ...createJobMetrics({ counter, gauge, histogram }),
    ...createOutsideMetrics({ counter, gauge, histogram }),

    contentType: registry.contentType,
    /** Reads this each time somebody asks. */
    onScrape: (reading: ScrapedReading) => scrape.add(reading),
    /** All of it, in the text format of Prometheus. Never fails for what cannot be read. */
    text: async (): Promise<string> => {
      await scrape.refresh();
      return registry.metrics();
    },
    /** Memory, processor time and the event loop of this process, from now to its end. */
    measureProcess: () => collectDefaultMetrics({ register: registry }),
  };
}

type Makers = {
  counter: <L extends string = never>(name: string, help: string, ...labels: L[]) => Counter<L>;
  gauge: <L extends string = never>(name: string, help: string, ...labels: L[]) => Gauge<L>;
  histogram: <L extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    ...labels: L[]
  ) => Histogram<L>;
};

function createHttpMetrics({ counter, gauge, histogram }: Makers) {
  const route = ['method', 'route', 'status'] as const;
  return {
    httpRequests: counter('http_requests_total', 'Requests answered', ...route),
    httpDuration: histogram(
      'http_request_duration_seconds',
      'From the head of a request to the end of its answer; without event streams',
      httpBuckets,
      ...route,
    ),
    httpInFlight: gauge('http_requests_in_flight', 'Requests that are not answered yet'),
    sseClients: gauge('sse_clients', 'Open event streams'),
    authFailures: counter('auth_failures_total', 'Requests refused for their key', 'reason'),
    idempotency: counter('idempotency_total', 'Requests with an Idempotency-Key', 'outcome'),
    uploadBytes: counter('upload_bytes_total', 'Bytes of files that were taken in'),
    uploadDuration: histogram(
      'upload_duration_seconds',
      'From the first byte of a file until it is stored and looked into',
      transferBuckets,
    ),
    uploadsOpen: gauge('uploads_open', 'Files that are being received'),
    uploadsRejected: counter('uploads_rejected_total', 'Files that were not taken in', 'reason'),
  };
}

function createJobMetrics({ counter, gauge, histogram }: Makers) {
  const kind = ['processID', 'site'] as const;
  return {
    jobsCreated: counter('jobs_created_total', 'Jobs accepted', ...kind),
    jobsFinished: counter('jobs_finished_total', 'Jobs that ended', ...kind, 'status'),
    jobsDismissed: counter('jobs_dismissed_total', 'Dismissals asked for', ...kind, 'reason'),
    jobsStalled: counter('jobs_stalled_total', 'Jobs taken back from a silent worker', 'queue'),
    jobAttempts: counter(
      'job_attempts_total',
      'Attempts that came to an end here; `reason` is how',
      ...kind,
      'reason',
    ),
    jobWait: histogram(
      'job_wait_seconds',
      'From acceptance to the first attempt',
      jobBuckets,
      ...kind,
    ),
    jobDuration: histogram(
      'job_duration_seconds',
      'From the first attempt to the end, putting back included',
      jobBuckets,
      ...kind,
      'status',
    ),
    stepDuration: histogram(
      'job_step_duration_seconds',
      'Steps that were done',
      jobBuckets,
      ...kind,
      'step',
    ),
    queueJobs: gauge(
      'queue_jobs',
      'Jobs of a queue; every process tells the same',
      'queue',
      'state',
    ),
    queueOldest: gauge(
      'queue_oldest_waiting_seconds',
      'Age of what has waited longest; 0 when nothing waits',
      'queue',
    ),
    queueLastFinished: gauge(
      'queue_last_finished_timestamp_seconds',
      'When this process last ended a job of the queue',
      'queue',
    ),
  };
}

function createOutsideMetrics({ counter, gauge, histogram }: Makers) {
  const call = ['site', 'operation', 'outcome'] as const;
  return {
    siteRequests: counter('site_requests_total', 'Requests sent to sites', ...call),
    siteDuration: histogram(
      'site_request_duration_seconds',
      'From sending to the end of the answer',
      siteBuckets,
      ...call,
    ),
    siteUp: gauge('site_up', 'Whether a site was well when it was last looked at', 'site'),
    siteRead: gauge('site_read_timestamp_seconds', 'When a site was last looked at', 'site'),
    siteClosed: gauge('site_circuit_open', 'Whether a site rests after a failure', 'site'),
    siteConcurrency: gauge('site_concurrency', 'Jobs under way on a site', 'site'),
    siteSlots: gauge('site_concurrency_limit', 'Jobs that a site takes at a time', 'site'),
    webhookDeliveries: counter('webhook_deliveries_total', 'Attempts to deliver', 'outcome'),
    webhookDuration: histogram(
      'webhook_duration_seconds',
      'How long receivers took to answer',
      httpBuckets,
      'outcome',
    ),
    webhookBacklog: gauge('webhook_backlog', 'Deliveries that are still owed'),
    webhooksDisabled: gauge('webhook_endpoints_disabled', 'Endpoints that are told nothing'),
    redisUp: gauge('redis_up', 'Whether Redis answers'),
    redisDuration: histogram(
      'redis_command_duration_seconds',
      'From the call to the reply, waiting for a connection included',
      redisBuckets,
    ),
    diskFree: gauge('disk_free_bytes', 'Room for files'),
  };
}
