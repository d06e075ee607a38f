import type { Delivery, DeliveryAttempt, DeliveryRecords } from '../jobs/delivery-records.ts';
import type { WebhookEndpoint, WebhookEndpointRecords } from '../jobs/webhook-endpoint-records.ts';
import { deriveSubscriberSecrets, secretOfEndpoint } from '../jobs/webhook-secrets.ts';
import { SendFailedError, sendToDestination } from '../lib/egress.ts';
import { DestinationNotAllowedError, type EgressPolicy } from '../lib/egress-policy.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { redactSecrets } from '../lib/redact.ts';
import type { Sealing } from '../lib/sealing.ts';
import type { OpenSpan, Tracing } from '../lib/tracing.ts';
import type { WebhookConfig } from '../lib/webhook-config.ts';
import { toNextAttemptMs } from './retry-schedule.ts';
import { signDelivery } from './sign-delivery.ts';

export type DeliverySenderDeps = {
  deliveries: DeliveryRecords;
  webhookEndpoints: WebhookEndpointRecords;
  sealing: Sealing;
  egress: EgressPolicy;
  webhooks: WebhookConfig;
  metrics: Metrics;
  tracing: Tracing;
  log: Log;
};

type Target = { url: string; readSecrets: () => string[] };
type Outcome = { attempt: DeliveryAttempt; retryAfterMs?: number };

/** The receiver wants to hear nothing more (Standard Webhooks 1.0.0). */
const gone = 410;
const userAgent = 'pressroom/0.1';

/** Carries out one attempt of a delivery and writes down what came of it. */
export class DeliverySender {
  readonly #deps: DeliverySenderDeps;

  constructor(deps: DeliverySenderDeps) {
    this.#deps = deps;
  }

  /**
   * @returns when the next attempt is due, or nothing when the delivery is settled
   * @throws the signal's reason: then nothing is written, and the attempt is made again
   */
  async attempt(delivery: Delivery, signal: AbortSignal): Promise<number | undefined> {
    const { deliveries, webhookEndpoints } = this.#deps;
    const endpoint =
      delivery.endpointId === undefined
        ? undefined
        : await webhookEndpoints.find(delivery.endpointId);
    if (delivery.kind === 'endpoint' && (!endpoint || endpoint.disabledMs !== undefined)) {
      await deliveries.settle(delivery.deliveryId, { status: 'cancelled' });
      this.#deps.metrics.webhookDeliveries.inc({ outcome: 'cancelled' });
      return undefined;
    }
    const target = {
      url: endpoint?.url ?? delivery.url,
      readSecrets: () =>
        endpoint
          ? this.#unseal(endpoint)
          : deriveSubscriberSecrets(this.#deps.sealing, delivery.owner),
    };
    const outcome = await this.#trace(delivery, target, (span) =>
      this.#send(delivery, target, { signal, span }),
    );
    return this.#settle(delivery, target, outcome);
  }

  /** Without the path of the address: some receivers keep a secret in it. */
  async #trace(
    { event }: Delivery,
    { url }: Target,
    work: (span: OpenSpan) => Promise<Outcome>,
  ): Promise<Outcome> {
    const attributes = {
      'http.request.method': 'POST',
      'server.address': URL.canParse(url) ? new URL(url).hostname : undefined,
      'pressroom.event': event,
    };
    const options = { kind: 'client', attributes } as const;
    return this.#deps.tracing.inSpan(`POST ${event}`, options, async (span) => {
      const outcome = await work(span);
      const { httpStatus, error } = outcome.attempt;
      span.set({ 'http.response.status_code': httpStatus });
      if (error !== undefined) span.fail(error);
      else if (!isSuccess(httpStatus)) span.fail(String(httpStatus));
      return outcome;
    });
  }

  async #send(
    { deliveryId, body: text }: Delivery,
    { url, readSecrets }: Target,
    { signal, span }: { signal: AbortSignal; span: OpenSpan },
  ): Promise<Outcome> {
    const startedAt = new Date();
    const body = Buffer.from(text);
    try {
      const headers = {
        'content-type': 'application/json',
        'user-agent': userAgent,
        ...(span.traceparent !== undefined && { traceparent: span.traceparent }),
        ...signDelivery({ deliveryId, body, secrets: readSecrets() }, startedAt),
      };
      const answer = await sendToDestination({ url, body, headers, signal }, this.#deps.egress);
      const { status, bodyExcerpt, durationMs, retryAfterMs } = answer;
      return {
        attempt: {
          startedAt: startedAt.toISOString(),
          durationMs,
          httpStatus: status,
          ...(bodyExcerpt !== '' && { excerpt: redactSecrets(bodyExcerpt) }),
        },
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      };
    } catch (error) {
      signal.throwIfAborted();
      const durationMs = Date.now() - startedAt.getTime();
      const fault = nameFault(error);
      if (fault === undefined)
        this.#deps.log.error({ err: error, deliveryId }, 'Sending is broken');
      return {
        attempt: {
          startedAt: startedAt.toISOString(),
          durationMs,
          error: fault ?? 'internal_error',
        },
      };
    }
  }

  async #settle(
    delivery: Delivery,
    { url }: Target,
    { attempt, retryAfterMs }: Outcome,
  ): Promise<number | undefined> {
    const { deliveries, webhooks, log } = this.#deps;
    const { deliveryId, endpointId, jobId, event } = delivery;
    const { httpStatus } = attempt;
    const facts = { deliveryId, endpointId, jobId, event, httpStatus, error: attempt.error };
    if (isSuccess(httpStatus)) {
      this.#count('delivered', attempt);
      if (endpointId !== undefined) await this.#deps.webhookEndpoints.noteSuccess(endpointId);
      await deliveries.settle(deliveryId, { status: 'delivered', url, attempt });
      log.info(facts, 'Delivered');
      return undefined;
    }
    const nowMs = Date.now();
    const nextAttemptMs =
      httpStatus === gone
        ? undefined
        : toNextAttemptMs(webhooks.scheduleSeconds, {
            tries: delivery.tries + 1,
            nowMs,
            ...(retryAfterMs !== undefined && { retryAfterMs }),
          });
    const isOver = nextAttemptMs === undefined;
    this.#count(isOver ? 'failed' : 'retried', attempt);
    if (endpointId !== undefined) await this.#noteFailure(endpointId, { httpStatus, isOver });
    await deliveries.settle(deliveryId, {
      status: isOver ? 'failed' : 'pending',
      url,
      attempt,
      ...(!isOver && { nextAttemptMs }),
    });
    log.info(facts, isOver ? 'Delivery given up' : 'Delivery is tried again later');
    return nextAttemptMs;
  }

  #count(outcome: 'delivered' | 'retried' | 'failed', { durationMs }: DeliveryAttempt): void {
    this.#deps.metrics.webhookDeliveries.inc({ outcome });
    this.#deps.metrics.webhookDuration.observe({ outcome }, durationMs / 1000);
  }

  async #noteFailure(
    endpointId: string,
    { httpStatus, isOver }: { httpStatus: number | undefined; isOver: boolean },
  ): Promise<void> {
    const { webhookEndpoints, webhooks, log } = this.#deps;
    if (httpStatus === gone) {
      await webhookEndpoints.change(endpointId, { disabledMs: Date.now(), disabledReason: 'gone' });
      log.info({ endpointId }, 'Webhook endpoint disabled: it answered 410');
      return;
    }
    const disableAfterMs = webhooks.disableAfterDays * 86_400_000;
    const outcome = await webhookEndpoints.noteFailure(
      endpointId,
      isOver ? { disableAfterMs } : {},
    );
    if (outcome === 'disabled')
      log.info({ endpointId }, 'Webhook endpoint disabled: it failed for days');
  }

  /** The secret, and the one before it while it is still valid. */
  #unseal({
    endpointId,
    sealedSecret,
    sealedOldSecret,
    oldSecretUntilMs = 0,
  }: WebhookEndpoint): string[] {
    const purpose = secretOfEndpoint(endpointId);
    const isOldValid = sealedOldSecret !== undefined && oldSecretUntilMs > Date.now();
    return [sealedSecret, ...(isOldValid ? [sealedOldSecret] : [])].map((sealed) =>
      this.#deps.sealing.unseal(sealed, purpose),
    );
  }
}

function isSuccess(httpStatus: number | undefined): boolean {
  return httpStatus !== undefined && httpStatus >= 200 && httpStatus < 300;
}

/** Undefined for what an operator has to look at: a sealing key that is gone, or a fault of ours. */
function nameFault(error: unknown): string | undefined {
  if (error instanceof DestinationNotAllowedError) return error.code;
  return error instanceof SendFailedError ? error.failure : undefined;
}
