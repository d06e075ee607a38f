import type { Metrics } from '../lib/metrics.ts';
import { type Tracing, tracingOff } from '../lib/tracing.ts';
import type { WireAnswer } from './site-answer.ts';
import { type Traffic, WireFailure } from './site-connection.ts';
import { toSiteOperation } from './site-operation.ts';

/** Counts, times and traces the requests to a site; its portal and its token service are part of it. */
export function watchTraffic(
  site: string,
  { metrics, tracing = tracingOff }: { metrics?: Metrics; tracing?: Tracing },
): Traffic {
  return async (request, send) => {
    const { method, url } = request;
    const operation = toSiteOperation(url);
    const startedMs = performance.now();
    const count = (outcome: string) => {
      const labels = { site, operation, outcome };
      metrics?.siteRequests.inc(labels);
      metrics?.siteDuration.observe(labels, (performance.now() - startedMs) / 1000);
    };
    const attributes = {
      'http.request.method': method,
      ...toAddress(url),
      'pressroom.site': site,
      'pressroom.operation': operation,
    };
    return tracing.inSpan(
      `${method} ${operation}`,
      { kind: 'client', attributes },
      async (span) => {
        try {
          // Of the trace only this goes to a site: what else belongs to it is not theirs to see.
          const answer = await send(span.traceparent ? { traceparent: span.traceparent } : {});
          const outcome = toOutcome(answer);
          span.set({ 'http.response.status_code': answer.httpStatus });
          if (outcome !== 'answered') span.fail(outcome);
          count(outcome);
          return answer;
        } catch (error) {
          count(error instanceof WireFailure ? error.fault : 'broken_off');
          throw error;
        }
      },
    );
  };
}

function toAddress(url: string): { 'server.address'?: string; 'server.port'?: number } {
  if (!URL.canParse(url)) return {};
  const { hostname, port, protocol } = new URL(url);
  return {
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
  };
}

/** Where a refusal stands at the head of an answer of 200, in either envelope. */
const refusalHead = /^\s*\{\s*"(?:error"\s*:|status"\s*:\s*"error"|success"\s*:\s*false)/;

/** By the head of an answer only: what it means is for others to judge. */
function toOutcome({ httpStatus, text }: WireAnswer): string {
  if (httpStatus >= 300) return `http_${Math.floor(httpStatus / 100)}xx`;
  return refusalHead.test(text.slice(0, 200)) ? 'refused' : 'answered';
}
