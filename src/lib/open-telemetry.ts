import {
  type Context,
  context,
  DiagLogLevel,
  defaultTextMapGetter,
  diag,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import { BullMQOtel } from 'bullmq-otel';
import type { Log } from './log.ts';
import { redactSecrets } from './redact.ts';
import type { OpenSpan, SpanAttributes, SpanOptions, Tracing } from './tracing.ts';

/** Stands on every span that may begin a trace although no request did. */
const jobIdAttribute = 'pressroom.job_id';

const closeMs = 5_000;
const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
};

/**
 * OpenTelemetry for this process, to be opened once: its context is global. It sends OTLP over HTTP, as
 * JSON; endpoint, headers, timeout and batches are set by the usual variables, which the exporter reads.
 */
export function openOpenTelemetry(
  env: NodeJS.ProcessEnv,
  { service, version }: { service: string; version: string },
): Tracing {
  const named = resourceFromAttributes({ 'service.name': service, 'service.version': version });
  const asked = detectResources({ detectors: [envDetector] });
  const provider = new NodeTracerProvider({
    resource: defaultResource().merge(named).merge(asked),
    sampler: new ParentBasedSampler({ root: new OursOnly(toRootSampler(env)) }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  // Without the propagator of baggage: what callers put there is carried nowhere.
  const propagator = new W3CTraceContextPropagator();
  provider.register({ propagator });
  const tracer = trace.getTracer('pressroom', version);

  const remote = (traceparent: string, below: Context) =>
    propagator.extract(below, { traceparent }, defaultTextMapGetter);

  /** Where a span goes, and what it points at beside that. */
  function place({ kind, continues }: SpanOptions) {
    // What is active when a request comes in belongs to an earlier one on its connection, if to any.
    const active = kind === 'server' ? ROOT_CONTEXT : context.active();
    if (continues === undefined) return { parent: active, links: [] };
    const parent = remote(continues, ROOT_CONTEXT);
    const [now, wanted] = [trace.getSpanContext(active), trace.getSpanContext(parent)];
    if (!wanted || now?.traceId === wanted.traceId) return { parent: active, links: [] };
    return { parent, links: now && isSpanContextValid(now) ? [{ context: now }] : [] };
  }

  function startSpan(name: string, wanted: SpanOptions): OpenSpan {
    const { kind, attributes } = wanted;
    const { parent, links } = place(wanted);
    const options = { kind: kinds[kind], attributes: withoutUndefined(attributes), links };
    return new LiveSpan(tracer.startSpan(name, options, parent), parent);
  }

  return {
    isOn: true,
    startSpan,
    inSpan: async (name, options, work) => {
      const span = startSpan(name, options);
      try {
        return await span.within(() => work(span));
      } catch (error) {
        span.fail(error instanceof Error ? error.name : 'unknown');
        throw error;
      } finally {
        span.end();
      }
    },
    continuing: (traceparent, work) =>
      traceparent === undefined
        ? work()
        : context.with(remote(traceparent, context.active()), work),
    traceparent: () => toTraceparent(trace.getSpanContext(context.active())),
    logFields: () => {
      const active = trace.getSpanContext(context.active());
      if (!active || !isSpanContextValid(active)) return {};
      return { trace_id: active.traceId, span_id: active.spanId };
    },
    queueTelemetry: createQueueTelemetry(),
    reportTo: (log) => report(env, log),
    close: () => closeInTime(provider),
  };
}

class LiveSpan implements OpenSpan {
  readonly #span: Span;
  readonly #context: Context;
  #isOver = false;

  constructor(span: Span, parent: Context) {
    this.#span = span;
    this.#context = trace.setSpan(parent, span);
  }

  get traceparent(): string | undefined {
    return toTraceparent(this.#span.spanContext());
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(withoutUndefined(attributes));
  }

  fail(type: string): void {
    this.#span.setAttribute('error.type', type);
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  within<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#span.end();
  }
}

/**
 * Requests and jobs begin traces. What a worker does of its own accord, again and again, does not: looking
 * for the next job, renewing locks, reading sites.
 */
class OursOnly implements Sampler {
  readonly #sampler: Sampler;

  constructor(sampler: Sampler) {
    this.#sampler = sampler;
  }

  shouldSample(...asked: Parameters<Sampler['shouldSample']>) {
    const [, , , kind, attributes] = asked;
    const mayBegin = kind === SpanKind.SERVER || jobIdAttribute in attributes;
    return mayBegin
      ? this.#sampler.shouldSample(...asked)
      : { decision: SamplingDecision.NOT_RECORD };
  }

  toString(): string {
    return `OursOnly{${this.#sampler}}`;
  }
}

/** `OTEL_TRACES_SAMPLER` for traces that begin here; what a caller decided for its own is kept either way. */
function toRootSampler(env: NodeJS.ProcessEnv): Sampler {
  const name = env.OTEL_TRACES_SAMPLER?.trim() ?? '';
  if (name.endsWith('always_off')) return new TraceIdRatioBasedSampler(0);
  if (!name.endsWith('traceidratio')) return new TraceIdRatioBasedSampler(1);
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG ?? '1');
  return new TraceIdRatioBasedSampler(ratio >= 0 && ratio <= 1 ? ratio : 1);
}

/** With a way out of the active trace, which BullMQ takes for its endless loops if there is one. */
function createQueueTelemetry(): BullMQOtel {
  const telemetry = new BullMQOtel();
  Object.assign(telemetry.contextManager, { root: () => ROOT_CONTEXT });
  return telemetry;
}

function toTraceparent(active: SpanContext | undefined): string | undefined {
  if (!active || !isSpanContextValid(active)) return undefined;
  const flags = (active.traceFlags & 0xff).toString(16).padStart(2, '0');
  return `00-${active.traceId}-${active.spanId}-${flags}`;
}

function withoutUndefined(attributes: SpanAttributes): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

function report(env: NodeJS.ProcessEnv, log: Log): void {
  const protocol =
    env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'http/json';
  if (protocol.trim() !== 'http/json' && protocol.trim() !== '')
    log.warn({ protocol }, 'Traces are sent as http/json: no other protocol is built in');
  const exporter = env.OTEL_TRACES_EXPORTER?.trim() || 'otlp';
  if (exporter !== 'otlp')
    log.warn({ exporter }, 'Traces are sent by OTLP: no other exporter is built in');
  const warn = (message: string) =>
    log.warn({ detail: redactSecrets(message).slice(0, 500) }, 'Trouble with traces');
  diag.setLogger(
    { error: warn, warn, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

async function closeInTime(provider: NodeTracerProvider): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, closeMs);
  });
  await Promise.race([provider.shutdown().catch(() => undefined), late]);
  clearTimeout(timer);
}
