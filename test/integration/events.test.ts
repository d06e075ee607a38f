import { Agent, get, type IncomingMessage } from 'node:http';
import { expect } from 'vitest';
import type { Gateway } from '../support/gateway.ts';
import { test } from '../support/publishing-test.ts';

type Event = { id?: string; event?: string; data?: string };

/** Reads a stream by the rules of the standard, until it ends; leaving the loop hangs up. */
async function* readEvents(response: IncomingMessage): AsyncGenerator<Event> {
  let rest = '';
  let event: Event = {};
  for await (const chunk of response.setEncoding('utf8')) {
    rest += chunk;
    const lines = rest.split(/\r\n|\n|\r/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (event.data !== undefined) yield event;
        event = {};
      } else if (!line.startsWith(':')) {
        event = withField(event, line);
      }
    }
  }
}

function withField(event: Event, line: string): Event {
  const at = line.indexOf(':');
  const name = at < 0 ? line : line.slice(0, at);
  const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
  if (name === 'id' || name === 'event') return { ...event, [name]: value };
  if (name !== 'data') return event;
  return { ...event, data: event.data === undefined ? value : `${event.data}\n${value}` };
}

function listen(gateway: Gateway, path: string, lastEventId?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = {
      accept: 'text/event-stream',
      ...(lastEventId && { 'last-event-id': lastEventId }),
    };
    get(`${gateway.url}/v1/${path}`, { headers, agent: false }, resolve).on('error', reject);
  });
}

/** The first event of a stream that is left again. */
async function readFirst(gateway: Gateway, path: string, lastEventId?: string): Promise<Event> {
  for await (const event of readEvents(await listen(gateway, path, lastEventId))) return event;
  throw new Error('The stream ended without an event');
}

async function collect(response: IncomingMessage): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of readEvents(response)) events.push(event);
  return events;
}

test('a job is followed from its snapshot to its end, and later from any point on', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    folder: 'Transport',
  });

  const response = await listen(gateway, `jobs/${body.jobID}/events`);
  expect(response.headers['content-type']).toBe('text/event-stream');
  const events = await collect(response);

  const ids = events.map(({ id }) => Number(id));
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  expect(new Set(ids).size).toBe(ids.length);
  expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({
    jobID: body.jobID,
    status: 'successful',
    progress: 100,
  });
  expect(
    events.filter(({ event }) => event === 'log').map(({ data }) => JSON.parse(data ?? '').source),
  ).toContain('site');

  const middle = ids[2] ?? 0;
  const rest = await collect(await listen(gateway, `jobs/${body.jobID}/events`, String(middle)));
  expect(rest.map(({ id }) => Number(id))).toEqual(ids.filter((id) => id > middle));
  expect((await listen(gateway, `jobs/${body.jobID}/events`, String(ids.at(-1)))).statusCode).toBe(
    204,
  );
});

test('what was missed while nobody listened is told first', async ({ openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site, { hasWorker: false });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  const snapshot = await readFirst(gateway, `jobs/${body.jobID}/events`);
  await gateway.core.records.appendLog(body.jobID, {
    time: new Date().toISOString(),
    level: 'info',
    source: 'gateway',
    attempt: 1,
    message: 'two\nlines',
  });
  await gateway.core.records.dismiss(body.jobID);

  const missed = await collect(await listen(gateway, `jobs/${body.jobID}/events`, snapshot.id));

  expect(missed.map(({ event }) => event)).toEqual(['log', 'status']);
  expect(JSON.parse(missed[0]?.data ?? '')).toMatchObject({ message: 'two\nlines' });
  expect(JSON.parse(missed[1]?.data ?? '')).toMatchObject({ status: 'dismissed' });
});

test('all jobs of a site are followed in one stream, and taken up again', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site, { hasWorker: false });
  const listening = readFirst(gateway, 'events?site=demo', '0-1');
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  const accepted = await listening;
  expect(JSON.parse(accepted.data ?? '')).toMatchObject({
    jobID: body.jobID,
    site: 'demo',
    status: 'accepted',
    change: 'accepted',
  });
  await gateway.core.records.dismiss(body.jobID);

  const next = await readFirst(gateway, 'events?site=demo', accepted.id);

  expect(JSON.parse(next.data ?? '')).toMatchObject({ jobID: body.jobID, status: 'dismissed' });
});

test('every http process tells the same, and a stream goes on at another one', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const writer = await open(site, { hasWorker: false });
  const settings = { redis: writer.config.redis };
  const [second, third] = [
    await open(site, { hasWorker: false, settings }),
    await open(site, { hasWorker: false, settings }),
  ];
  const { body } = await writer.publish(await writer.build(), { site: 'demo' });
  const job = `jobs/${body.jobID}/events`;
  const listening = [await listen(second, job), await listen(third, job)].map(readEvents);
  const snapshots = await Promise.all(listening.map((events) => events.next()));
  const ofSite = await readFirst(second, 'events?site=demo', '0-1');

  await fetch(`${writer.url}/v1/jobs/${body.jobID}`, { method: 'DELETE' });

  const seen = await Promise.all(listening.map((events) => events.next()));
  const over = await Promise.all(listening.map((events) => events.next()));
  const goneOn = await collect(await listen(writer, job, snapshots[0]?.value?.id));
  const told = [...seen.map(({ value }) => value), ...goneOn].map(({ id, data }) => ({
    id,
    status: JSON.parse(data ?? '').status,
  }));
  expect(told).toEqual(Array(3).fill({ id: goneOn[0]?.id, status: 'dismissed' }));
  expect(over.map(({ done }) => done)).toEqual([true, true]);
  const nextOfSite = await readFirst(third, 'events?site=demo', ofSite.id);
  expect(JSON.parse(nextOfSite.data ?? '')).toMatchObject({
    jobID: body.jobID,
    status: 'dismissed',
  });
});

test('streams refuse what they cannot serve', async ({ openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site, { hasWorker: false });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  const json = await fetch(`${gateway.url}/v1/jobs/${body.jobID}/events`, {
    headers: { accept: 'application/json' },
  });
  const unknown = await listen(gateway, 'jobs/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b/events');
  const badId = await listen(gateway, `jobs/${body.jobID}/events`, 'x');
  const badSite = await listen(gateway, 'events?site=nowhere');

  expect([json.status, ...[unknown, badId, badSite].map(({ statusCode }) => statusCode)]).toEqual([
    406, 404, 400, 400,
  ]);
});

test('closing the process ends every stream', async ({ openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site, { hasWorker: false });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  const streams = await Promise.all(
    Array.from({ length: 50 }, () => listen(gateway, `jobs/${body.jobID}/events`)),
  );
  const begun = streams.map(readEvents);
  const first = await Promise.all(begun.map((events) => events.next()));

  await gateway.close();

  const ended = await Promise.all(begun.map((events) => events.next()));
  expect(first.map(({ done }) => done)).toEqual(Array(50).fill(false));
  expect(ended.map(({ done }) => done)).toEqual(Array(50).fill(true));
});

test('closing does not wait for connections that are kept alive', async ({ openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site, { hasWorker: false });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  const agent = new Agent({ keepAlive: true });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${gateway.url}/v1/jobs/${body.jobID}/events`, { agent }, resolve).on('error', reject);
  });
  const events = readEvents(response);
  await events.next();

  await gateway.close(); // far sooner than connections are kept

  expect((await events.next()).done).toBe(true);
  agent.destroy();
});
