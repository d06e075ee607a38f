import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { findFreePort } from '../../src/lib/own-redis.ts';
import { ask, askJson, publishing } from '../support/asking.ts';
import type { Gateway } from '../support/gateway.ts';
import { type PressroomProcess, startPressroom } from '../support/pressroom-process.ts';
import { test as base } from '../support/publishing-test.ts';
import { openReceiver } from '../support/receiver.ts';
import { openTraceCollector } from '../support/trace-collector.ts';

type Collector = Awaited<ReturnType<typeof openTraceCollector>>;
type Start = (
  gateway: Gateway,
  env: Record<string, string>,
) => Promise<{
  url: string;
  http: PressroomProcess;
  startWorker: () => Promise<PressroomProcess>;
  end: () => Promise<void>;
}>;

const test = base.extend<{ collector: Collector; start: Start }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  collector: async ({}, use) => {
    const collector = await openTraceCollector();
    await use(collector);
    await collector.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  start: async ({}, use) => {
    const running = new Set<PressroomProcess>();
    const end = async () => {
      for (const each of running) each.signal('SIGTERM');
      for (const each of running) expect(await each.ended).toEqual({ code: 0, signal: null });
      running.clear();
    };
    await use(async (gateway, env) => {
      const { redis, storage, timing, sites, queue, egress, webhooks } = gateway.config;
      const file = join(gateway.folder, 'pressroom.yaml');
      const port = await findFreePort();
      const config = { redis, storage, timing, sites, queue, egress, webhooks, http: { port } };
      await writeFile(file, stringify(config));
      const startOne = async (command: 'http' | 'worker') => {
        const all = { PRESSROOM_CONFIG: file, ...gateway.passwords, ...env };
        const one = await startPressroom(command, all);
        running.add(one);
        void one.ended.then(({ signal }) => signal === 'SIGKILL' && running.delete(one));
        return one;
      };
      const http = await startOne('http');
      const startWorker = () => startOne('worker');
      return { url: `http://127.0.0.1:${port}`, http, startWorker, end };
    });
    for (const each of running) each.signal('SIGKILL');
  },
});

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const callersSpan = '00f067aa0ba902b7';

function linesOf(process: PressroomProcess): Record<string, unknown>[] {
  return process
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('one trace from the caller through queue, a killed worker and the site to the callback', async ({
  openSite,
  open,
  collector,
  start,
}) => {
  const site = await openSite({ publishMs: 500 });
  const receiver = await openReceiver();
  const gateway = await open(site, {
    hasWorker: false,
    settings: {
      queue: { lockSeconds: 2, stalledCheckSeconds: 1, sweepSeconds: 1 },
      egress: { allowHttp: true, allow: [receiver.host] },
    },
  });
  const { url, http, startWorker, end } = await start(gateway, collector.env);
  const first = await startWorker();
  const killed = new Promise<void>((resolve) => {
    site.control.onRequest(({ operation, phase }) => {
      if (operation !== 'submit' || phase !== 'after') return;
      first.signal('SIGKILL');
      void first.ended.then(() => resolve());
    });
  });

  const definition = await readFile(await gateway.build());
  const upload = await ask({ url }, '/v1/uploads?name=roads.sd', {
    method: 'POST',
    body: definition,
    headers: { 'content-type': 'application/octet-stream' },
  });
  const asked = {
    inputs: { site: 'demo', serviceDefinition: { href: `/v1/uploads/${upload.body.id}` } },
    subscriber: { successUri: `${receiver.url}/a-secret-place` },
  };
  const { status, body } = await askJson({ url }, publishing, asked, {
    traceparent: `00-${traceId}-${callersSpan}-01`,
    tracestate: 'vendor=of-the-caller',
    baggage: 'user=of-the-caller',
  });
  expect(status).toBe(201);
  await killed;
  const second = await startWorker();
  const ended = await gateway.ended(body.jobID, 40_000);
  const [call] = await receiver.received(1);
  await end(); // what is left is sent
  await receiver.close();

  expect(ended).toMatchObject({ status: 'successful', attempt: 2 });
  expect([...collector.paths]).toEqual(['POST /v1/traces application/json']);
  const ours = collector.spans.filter((span) => span.traceId === traceId);
  const named = (name: string) => ours.filter((span) => span.name === name);
  const [server] = named(`POST ${publishing}`);
  expect(server).toMatchObject({
    service: 'pressroom-http',
    kind: 2,
    parentSpanId: callersSpan,
    attributes: { 'http.route': publishing, 'http.response.status_code': 201 },
  });
  const [added] = named('add site-demo.publish-service-definition');
  expect(added).toMatchObject({ kind: 4, parentSpanId: server?.spanId });
  const attempts = named('attempt publish-service-definition');
  const last = attempts.find(({ attributes }) => attributes['pressroom.attempt'] === 2);
  expect(last).toMatchObject({
    service: 'pressroom-worker',
    attributes: { 'pressroom.job_id': body.jobID, 'pressroom.status': 'successful' },
  });
  const process = named('process site-demo').find(({ spanId }) => spanId === last?.parentSpanId);
  expect(process).toMatchObject({ kind: 5, parentSpanId: added?.spanId });
  const [query] = named('POST admin/services/{}/status');
  expect(query).toMatchObject({
    kind: 3,
    parentSpanId: last?.spanId,
    attributes: {
      'http.request.method': 'POST',
      'server.address': '127.0.0.1',
      'pressroom.operation': 'admin/services/{}/status',
      'http.response.status_code': 200,
    },
  });
  const [told] = named('POST job.successful');
  expect(told).toMatchObject({ kind: 3, attributes: { 'http.response.status_code': 204 } });
  expect(call?.headers).toMatchObject({ traceparent: `00-${traceId}-${told?.spanId}-01` });
  expect(call?.headers).not.toHaveProperty('tracestate');
  expect(call?.headers).not.toHaveProperty('baggage');
  const roots = collector.spans.filter(({ parentSpanId }) => parentSpanId === '');
  expect(roots.map(({ name }) => name)).toEqual(['POST /v1/uploads']);
  for (const secret of [site.password, 'of-the-caller', 'a-secret-place', 'token=']) {
    expect(collector.text()).not.toContain(secret);
  }
  const attemptLine = linesOf(second).find(({ msg }) => msg === 'Attempt begins');
  expect(attemptLine).toMatchObject({ trace_id: traceId, span_id: last?.spanId });
  const answered = linesOf(http).find(({ route }) => route === publishing);
  expect(answered).toMatchObject({ trace_id: traceId, span_id: server?.spanId });
});

test('a job that its queue has lost is queued again in the trace of its request', async ({
  openSite,
  open,
  collector,
  start,
}) => {
  const gateway = await open(await openSite({ publishMs: 1 }), {
    hasWorker: false,
    settings: { queue: { reconcileSeconds: 1, sweepSeconds: 1 } },
  });
  const { url, startWorker, end } = await start(gateway, collector.env);
  const { body } = await gateway.publish(
    await gateway.build(),
    { site: 'demo' },
    { traceparent: `00-${traceId}-${callersSpan}-01` },
    null,
    url,
  );
  await gateway.core.queues.remove('site-demo', body.jobID);

  await startWorker();
  await gateway.ended(body.jobID);
  await end();

  const names = collector.spans.filter((span) => span.traceId === traceId).map(({ name }) => name);
  expect(names.filter((name) => name.startsWith('add site-demo'))).toHaveLength(2);
  expect(names).toContain('process site-demo');
  expect(names).toContain('attempt publish-service-definition');
  expect(names).toContain('POST admin/uploads/upload');
});

test('a traceparent that is not valid is as good as none', async ({
  openSite,
  open,
  collector,
  start,
}) => {
  const gateway = await open(await openSite(), { hasWorker: false });
  const { url, end } = await start(gateway, collector.env);
  const zeros = (length: number) => '0'.repeat(length);
  const invalid = [
    `ff-${traceId}-${callersSpan}-01`,
    `00-${zeros(32)}-${callersSpan}-01`,
    `00-${traceId}-${zeros(16)}-01`,
    `00-${traceId.toUpperCase()}-${callersSpan}-01`,
    `00-${traceId}-${callersSpan}-01-more`,
    `00-${traceId}-${callersSpan}`,
    'nonsense',
  ];
  const valid = [`00-${traceId}-${callersSpan}-01`, `cc-${traceId}-${callersSpan}-01-what-will-be`];
  const unsampled = `00-${traceId}-${callersSpan}-00`;

  for (const traceparent of [...invalid, ...valid, unsampled]) {
    const asked = await ask({ url }, '/v1/jobs', { headers: { traceparent, tracestate: 'a=b' } });
    expect(asked.status).toBe(200);
  }
  await end();

  const spans = collector.spans.filter(({ name }) => name === 'GET /v1/jobs');
  const fresh = spans.filter(({ parentSpanId }) => parentSpanId === '');
  const continued = spans.filter(({ parentSpanId }) => parentSpanId === callersSpan);
  expect(new Set(fresh.map((span) => span.traceId)).size).toBe(invalid.length);
  expect(fresh.map((span) => span.traceId)).not.toContain(traceId);
  expect(continued.map((span) => span.traceId)).toEqual(valid.map(() => traceId));
  expect(spans).toHaveLength(invalid.length + valid.length); // a caller may decide against a record
});

/** Addresses of all that the process loaded, as V8 saw it. */
async function readLoaded(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.flatMap((text) => {
    const { result } = JSON.parse(text) as { result: { url: string }[] };
    return result.map(({ url }) => url);
  });
}

test.for([
  ['without a word of it', {}, 0],
  ['switched off by name', { OTEL_SDK_DISABLED: 'true' }, 0],
  ['with none to export to', { OTEL_TRACES_EXPORTER: 'none' }, 0],
  ['switched on', { OTEL_TRACES_EXPORTER: 'otlp' }, 1],
] as const)(
  '%s: what makes traces is loaded or not',
  async ([title, more, wanted], { openSite, open, collector, start }) => {
    const gateway = await open(await openSite(), { hasWorker: false });
    const folder = join(gateway.folder, 'loaded');
    const env = { ...(title === 'without a word of it' ? {} : collector.env), ...more };
    const { url, startWorker, end } = await start(gateway, { ...env, NODE_V8_COVERAGE: folder });
    await startWorker();
    await ask({ url }, '/v1/jobs');
    await end();

    const loaded = await readLoaded(folder);

    expect(loaded.some((address) => address.includes('/bullmq/'))).toBe(true);
    // prom-client asks the bare API for exemplars, traces or not
    const tracing = /@opentelemetry\/(?!api\/)|bullmq-otel|open-telemetry\.ts/;
    expect(loaded.some((address) => tracing.test(address))).toBe(wanted === 1);
    expect(collector.spans.length > 0).toBe(wanted === 1);
  },
);
