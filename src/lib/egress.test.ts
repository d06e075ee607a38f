import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { makeTestCertificate } from '../../test/support/test-certificate.ts';
import { SendFailedError, sendToDestination } from './egress.ts';
import { EgressConfig } from './egress-config.ts';
import { createEgressPolicy, DestinationNotAllowedError } from './egress-policy.ts';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(server);
  return (server.address() as AddressInfo).port;
}

async function openReceiver(answer: RequestListener) {
  const seen: string[] = [];
  const port = await listen(
    createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.host}`);
      answer(request, response);
    }),
  );
  return { port, seen, url: `http://127.0.0.1:${port}/hook?a=b` };
}

function policyFor(port: number, more: Parameters<typeof createEgressPolicy>[1] = {}) {
  return createEgressPolicy(
    EgressConfig.parse({ allowHttp: true, allow: [`127.0.0.1:${port}`] }),
    more,
  );
}

function send(
  url: string,
  policy: ReturnType<typeof createEgressPolicy>,
  signal = new AbortController().signal,
) {
  return sendToDestination(
    { url, body: Buffer.from('{}'), headers: { 'content-type': 'application/json' }, signal },
    policy,
  );
}

async function failureOf(sending: Promise<unknown>): Promise<unknown> {
  return sending.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test('sends the bytes as they are and reads the answer', async () => {
  const bodies: Buffer[] = [];
  const { port, seen, url } = await openReceiver((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk));
    request.on('end', () => response.writeHead(202).end('thank you'));
  });
  const body = Buffer.from('{"say":"Grüße 🛰"}');
  const answer = await sendToDestination(
    { url, body, headers: {}, signal: new AbortController().signal },
    policyFor(port),
  );
  expect(answer).toEqual({ status: 202, bodyExcerpt: 'thank you', durationMs: expect.any(Number) });
  expect(seen).toEqual([`POST /hook?a=b 127.0.0.1:${port}`]);
  expect(Buffer.concat(bodies)).toEqual(body);
});

test('a name that leads elsewhere at the time of sending is not called', async () => {
  const { port, seen } = await openReceiver((_request, response) => response.end());
  const answers = [['93.184.215.14'], ['127.0.0.1']];
  const policy = createEgressPolicy(EgressConfig.parse({ allowHttp: true, ports: [port] }), {
    resolve: async () => answers.shift() ?? [],
    connectMs: 50,
  });
  const url = `http://hooks.example.com:${port}/`;
  await expect(send(url, policy)).rejects.toBeInstanceOf(SendFailedError); // nobody is there
  await expect(send(url, policy)).rejects.toBeInstanceOf(DestinationNotAllowedError);
  expect(answers).toEqual([]);
  expect(seen).toEqual([]);
});

test('resolves once per sending: what was vetted is what is called', async () => {
  const { port, seen } = await openReceiver((_request, response) => response.end());
  let asked = 0;
  const policy = createEgressPolicy(
    EgressConfig.parse({ allowHttp: true, allow: [`hooks.example.test:${port}`] }),
    {
      resolve: async () => {
        asked += 1;
        return ['127.0.0.1'];
      },
    },
  );
  expect((await send(`http://hooks.example.test:${port}/x`, policy)).status).toBe(200);
  expect([asked, seen]).toEqual([1, [`POST /x hooks.example.test:${port}`]]);
});

test('a redirect is an answer and nothing more', async () => {
  const inside = await openReceiver((_request, response) => response.end('secret'));
  const { port, url } = await openReceiver((_request, response) =>
    response.writeHead(302, { location: inside.url }).end(),
  );
  expect(await send(url, policyFor(port))).toMatchObject({ status: 302 });
  expect(inside.seen).toEqual([]);
});

test.each([
  ['120', 120_000],
  [new Date(Date.now() + 90_000).toUTCString(), 90_000],
  ['soon', undefined],
  ['-5', undefined],
])('Retry-After: %s', async (header, expectedMs) => {
  const { port, url } = await openReceiver((_request, response) =>
    response.writeHead(429, { 'retry-after': header }).end(),
  );
  const { retryAfterMs } = await send(url, policyFor(port));
  if (expectedMs === undefined) expect(retryAfterMs).toBeUndefined();
  else expect(Math.abs((retryAfterMs ?? 0) - expectedMs)).toBeLessThan(3_000);
});

test('reads no more of an endless answer than it needs', async () => {
  let isGone = () => {};
  const gone = new Promise<void>((resolve) => {
    isGone = resolve;
  });
  const { port, url } = await openReceiver((_request, response) => {
    response.on('close', isGone);
    const more = () => {
      while (response.write('x'.repeat(10_000)));
    };
    response.on('drain', more);
    more();
  });
  const { status, bodyExcerpt } = await send(url, policyFor(port));
  expect([status, bodyExcerpt.length]).toEqual([200, 1024]);
  await gone;
});

test('an answer whose body does not end counts by its status', async () => {
  const { port, url } = await openReceiver((_request, response) => {
    response.writeHead(204 - 4).write('part');
  });
  expect(await send(url, policyFor(port, { totalMs: 200 }))).toMatchObject({
    status: 200,
    bodyExcerpt: 'part',
  });
});

test('does not wait for a receiver that says nothing', async () => {
  const { port, url } = await openReceiver(() => {});
  expect(await failureOf(send(url, policyFor(port, { totalMs: 100 })))).toMatchObject({
    failure: 'timeout',
  });
});

test('tells failures apart without saying where they were', async () => {
  const silent = await listen(createTcpServer((socket) => socket.destroy()));
  const garbage = await listen(
    createTcpServer((socket) => {
      socket.once('data', () => socket.end('this is not HTTP\r\n\r\n'));
    }),
  );
  const nobody = await listen(createTcpServer());
  open.pop()?.close();
  const kinds = await Promise.all(
    [silent, garbage, nobody].map(async (port) => {
      const failure = await failureOf(send(`http://127.0.0.1:${port}/`, policyFor(port)));
      expect(String(failure)).not.toContain('127.0.0.1');
      return (failure as SendFailedError).failure;
    }),
  );
  expect(kinds).toEqual(['connection_failed', 'bad_response', 'connection_failed']);
});

test('ends with the reason of the one who wanted it', async () => {
  const stop = new AbortController();
  const { port, url } = await openReceiver(() => stop.abort(new Error('stopping')));
  await expect(send(url, policyFor(port), stop.signal)).rejects.toThrow('stopping');
});

test('the certificate is checked against the name, not the address', async (context) => {
  const certificate = await makeTestCertificate('hooks.example.test', 'DNS:hooks.example.test');
  if (!certificate) return context.skip('openssl is not installed');
  const seen: (string | undefined)[] = [];
  const server = createTlsServer(certificate, (request, response) => {
    seen.push(request.headers.host);
    response.end('ok');
  });
  const port = await listen(server);
  const config = EgressConfig.parse({
    allow: [`hooks.example.test:${port}`, `other.example.test:${port}`, `127.0.0.1:${port}`],
  });
  const resolve = async () => ['127.0.0.1'];
  const trusting = createEgressPolicy(config, { resolve, ca: certificate.cert });
  await certificate.remove();

  expect((await send(`https://hooks.example.test:${port}/`, trusting)).status).toBe(200);
  for (const url of [`https://other.example.test:${port}/`, `https://127.0.0.1:${port}/`]) {
    expect(await failureOf(send(url, trusting))).toMatchObject({ failure: 'tls_failed' });
  }
  const usual = createEgressPolicy(config, { resolve });
  expect(await failureOf(send(`https://hooks.example.test:${port}/`, usual))).toMatchObject({
    failure: 'tls_failed',
  });
  expect(seen).toEqual([`hooks.example.test:${port}`]);
});
