import { expect, test } from 'vitest';
import { isTracingWanted, openTracing, tracingOff } from './tracing.ts';

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

test.for([
  [{}, false],
  [endpoint, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' }, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, false],
  [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
  [{ OTEL_TRACES_EXPORTER: '' }, false],
  [{ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }, false],
  [{ ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }, false],
  [{ ...endpoint, OTEL_SDK_DISABLED: 'false' }, true],
] as const)('%j asks for traces: %j', ([env, isWanted]) => {
  expect(isTracingWanted(env)).toBe(isWanted);
});

test('without being asked for it does the work and nothing else', async () => {
  const tracing = await openTracing({}, { service: 'test', version: '1' });

  const options = { kind: 'internal', attributes: {} } as const;
  const done = await tracing.inSpan('work', options, async (span) => span.within(() => 'done'));

  expect(tracing).toBe(tracingOff);
  expect(done).toBe('done');
  expect(tracing.traceparent()).toBeUndefined();
  expect(tracing.logFields()).toEqual({});
  expect(tracing.queueTelemetry).toBeUndefined();
});
