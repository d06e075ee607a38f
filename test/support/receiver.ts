import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export type ReceivedCall = {
  path: string;
  headers: IncomingHttpHeaders;
  /** The bytes as they came. */
  body: Buffer;
  receivedMs: number;
};

type Answer = (response: ServerResponse, call: ReceivedCall) => void;

/** A webhook receiver on loopback. It answers 204 unless told otherwise. */
export async function openReceiver() {
  const calls: ReceivedCall[] = [];
  const answers: Answer[] = [];
  let usual: Answer = (response) => response.writeHead(204).end();
  let look = () => {};
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url: path = '', headers } = request;
      const call = { path, headers, body: Buffer.concat(chunks), receivedMs: Date.now() };
      calls.push(call);
      (answers.shift() ?? usual)(response, call);
      look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    calls,
    /** How the next calls are answered, one after the other. */
    answerNext: (...next: Answer[]) => answers.push(...next),
    answerAlways: (answer: Answer) => {
      usual = answer;
    },
    /** The calls that fit, once there are so many of them. */
    received: (count: number, fits: (call: ReceivedCall) => boolean = () => true) =>
      new Promise<ReceivedCall[]>((resolve, reject) => {
        const late = setTimeout(() => {
          reject(new Error(`Only ${calls.filter(fits).length} of ${count} calls came`));
        }, 20_000);
        const before = look;
        look = () => {
          before();
          const found = calls.filter(fits);
          if (found.length < count) return;
          clearTimeout(late);
          resolve(found);
        };
        look();
      }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
export type Receiver = Awaited<ReturnType<typeof openReceiver>>;

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end(`answered ${code}`);

export const hang: Answer = () => {};

/** The body, checked by the library that receivers use. */
export function verified(call: ReceivedCall, secret: string): Record<string, unknown> {
  const headers = call.headers as Record<string, string>;
  return new Webhook(secret).verify(call.body, headers) as Record<string, unknown>;
}
