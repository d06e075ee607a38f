import { expect } from 'vitest';
import { test } from '../../test/support/lent-site.ts';
import { findValue, parseMetrics } from '../../test/support/metrics-text.ts';
import { createMetrics } from '../lib/metrics.ts';
import { openTracing } from '../lib/tracing.ts';

const modePath = '/arcgis/admin/mode';
const call = { to: 'tell its mode' };

test('every request is counted by what came of it', async ({ lend }) => {
  const metrics = createMetrics({ part: 'worker', version: '0' });
  const { site } = await lend({
    watch: { metrics },
    script: {
      [modePath]: (_, times) =>
        times === 1
          ? { body: { siteMode: 'EDITABLE' } }
          : { body: { status: 'error', messages: ['Not now.'] } },
      '/arcgis/admin/machines': () => ({ body: 'Bad gateway', status: 502 }),
      '/arcgis/admin/info': () => 'silence',
    },
  });

  await site.client.read('admin', ['mode'], call);
  await expect(site.client.read('admin', ['mode'], call)).rejects.toThrow('Not now.');
  await expect(site.client.read('admin', ['machines'], call)).rejects.toThrow();
  await expect(
    site.client.read('admin', ['info'], { ...call, timeoutMs: 100 }),
  ).rejects.toMatchObject({ name: expect.stringContaining('Error') });

  const samples = parseMetrics(await metrics.text());
  const count = (operation: string, outcome: string) =>
    findValue(samples, 'pressroom_site_requests_total', { site: 'demo', operation, outcome });
  expect({
    login: count('admin/generateToken', 'answered'),
    answered: count('admin/mode', 'answered'),
    refused: count('admin/mode', 'refused'),
    http: count('admin/machines', 'http_5xx'),
    timeout: count('admin/info', 'timeout'),
  }).toEqual({ login: 1, answered: 1, refused: 1, http: 1, timeout: 1 });
});

test('a site is told the trace and nothing else of it', async ({ lend }) => {
  const tracing = await openTracing(
    { OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER: 'always_off' },
    { service: 'test', version: '0' },
  );
  const { site, wire } = await lend({
    watch: { tracing },
    script: { [modePath]: () => ({ body: { siteMode: 'EDITABLE' } }) },
  });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

  await tracing.continuing(`00-${traceId}-00f067aa0ba902b7-00`, () =>
    site.client.read('admin', ['mode'], call),
  );
  await tracing.close();

  const [heard] = wire.heardOf(modePath);
  expect(heard?.headers.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  expect(heard?.headers.traceparent).not.toContain('00f067aa0ba902b7');
  expect(heard?.headers).not.toHaveProperty('tracestate');
  expect(heard?.headers).not.toHaveProperty('baggage');
});

test('without traces a site is told nothing', async ({ lend }) => {
  const { site, wire } = await lend({
    script: { [modePath]: () => ({ body: { siteMode: 'EDITABLE' } }) },
  });

  await site.client.read('admin', ['mode'], call);

  expect(wire.heardOf(modePath)).toHaveLength(1);
  expect(wire.heardOf(modePath)[0]?.headers).not.toHaveProperty('traceparent');
});
