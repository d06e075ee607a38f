import type { BullMQOtel } from 'bullmq-otel';
import type { Log } from './log.ts';

export type SpanAttributes = Record<string, string | number | boolean | undefined>;

export type SpanOptions = {
  kind: 'server' | 'client' | 'internal';
  /** With `pressroom.job_id` the span may begin a trace of its own, as a server's may. */
  attributes: SpanAttributes;
  /**
   * A `traceparent` to go on from. Where what is active belongs to the same trace, the span stays below
   * that; else it goes below this one, with a link to what is active.
   */
  continues?: string | undefined;
};

/** Something that takes its time, as a trace shows it. */
export type OpenSpan = {
  set: (attributes: SpanAttributes) => void;
  /** @param type a short, constant word; never a message, which may hold anything */
  fail: (type: string) => void;
  rename: (name: string) => void;
  /** Does this with the span as the active one. */
  within: <T>(work: () => T) => T;
  /** W3C Trace Context, for the next one who carries on. */
  traceparent: string | undefined;
  end: () => void;
};

/** Traces of what a request sets in motion, through queue, sites and callbacks. */
export type Tracing = {
  isOn: boolean;
  startSpan: (name: string, options: SpanOptions) => OpenSpan;
  /** Ends the span with the work; a failure is noted by the name of its class, and thrown on. */
  inSpan: <T>(
    name: string,
    options: SpanOptions,
    work: (span: OpenSpan) => Promise<T>,
  ) => Promise<T>;
  /** Does this as a part of the trace of a `traceparent`; without one, of what is active. */
  continuing: <T>(traceparent: string | undefined, work: () => Promise<T>) => Promise<T>;
  /** Of what is active; nothing outside of any trace. */
  traceparent: () => string | undefined;
  /** `trace_id` and `span_id`, for log lines. */
  logFields: () => Record<string, string>;
  /** Has BullMQ carry the trace from those who add to those who take. */
  queueTelemetry: BullMQOtel | undefined;
  /** From now on tells where traces go, and when they cannot be sent. */
  reportTo: (log: Log) => void;
  /** Sends what is left, for a few seconds at the most. */
  close: () => Promise<void>;
};

const silentSpan: OpenSpan = {
  set: () => {},
  fail: () => {},
  rename: () => {},
  within: (work) => work(),
  traceparent: undefined,
  end: () => {},
};

/** Nothing is traced, and nothing is loaded for it. */
export const tracingOff: Tracing = {
  isOn: false,
  startSpan: () => silentSpan,
  inSpan: (_name, _options, work) => work(silentSpan),
  continuing: (_traceparent, work) => work(),
  traceparent: () => undefined,
  logFields: () => ({}),
  queueTelemetry: undefined,
  reportTo: () => {},
  close: async () => {},
};

/**
 * Off unless the environment asks for it.
 *
 * @see OpenTelemetry, "Environment Variable Specification": an empty variable is as good as none
 */
export async function openTracing(
  env: NodeJS.ProcessEnv,
  part: { service: string; version: string },
): Promise<Tracing> {
  if (!isTracingWanted(env)) return tracingOff;
  const { openOpenTelemetry } = await import('./open-telemetry.ts');
  return openOpenTelemetry(env, part);
}

export function isTracingWanted(env: NodeJS.ProcessEnv): boolean {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return false;
  const exporter = env.OTEL_TRACES_EXPORTER?.trim() ?? '';
  if (exporter !== '') return exporter !== 'none';
  return [env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some(
    (endpoint) => (endpoint?.trim() ?? '') !== '',
  );
}
