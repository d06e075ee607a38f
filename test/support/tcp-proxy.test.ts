import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { TcpProxy } from './tcp-proxy.ts';

test('what is on its way when the line gets faster is not overtaken', async () => {
  let answered = () => {};
  const isAnswered = new Promise<void>((resolve) => {
    answered = resolve;
  });
  const echo = createServer((socket) => {
    socket.on('data', (chunk) => socket.write(chunk, () => answered()));
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const proxy = new TcpProxy((echo.address() as AddressInfo).port);
  const caller = connect(await proxy.open(), '127.0.0.1');
  let heard = '';
  caller.on('data', (chunk) => {
    heard += chunk;
  });

  proxy.slowDown(60);
  caller.write('first ');
  await isAnswered;
  for (let turn = 0; turn < 20; turn += 1) await nextTurn(); // by then it has come to the proxy
  proxy.slowDown(0);
  caller.write('second');

  await expect.poll(() => heard.length).toBe('first second'.length);
  expect(heard).toBe('first second');
  caller.destroy();
  await proxy.close();
  echo.close();
});
