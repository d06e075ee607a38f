import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describeProblem, problemUri } from '../lib/problem.ts';

const reasons = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
};

/** For bytes that are no HTTP request: there is only a socket to answer on. */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  publicUrl: string,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  socket.end(toMessage(statusOf(error), rootOf(socket, publicUrl), detailOf(error)));
}

/** What Node would answer by itself, without a word of why. */
export function answerOutsideRoutes(server: Server, publicUrl: () => string): void {
  server.on('checkExpectation', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const detail = 'Only `Expect: 100-continue` can be met.';
    response.shouldKeepAlive = false;
    response.socket?.end(toMessage(417, rootOf(socket, publicUrl()), detail));
  });
  server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(toMessage(405, rootOf(socket, publicUrl()), 'This is no proxy.', 'Allow: GET\r\n'));
  });
}

function statusOf({ code }: NodeJS.ErrnoException): keyof typeof reasons {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}

function detailOf({ code }: NodeJS.ErrnoException): string {
  if (code === 'HPE_HEADER_OVERFLOW') return 'The header fields are too large.';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'The request did not come in time.';
  return 'The bytes that came are not a request that can be read.';
}

/** Without a public address the one that was connected to: the request names none that can be trusted. */
function rootOf({ localAddress = '127.0.0.1', localPort }: Socket, publicUrl: string): string {
  const host = localAddress.includes(':') ? `[${localAddress}]` : localAddress;
  return publicUrl || `http://${host}:${localPort}`;
}

function toMessage(
  status: keyof typeof reasons,
  root: string,
  detail: string,
  moreHeaders = '',
): string {
  const code = status === 405 ? 'method_not_allowed' : 'malformed_request';
  const requestId = randomUUID();
  const type = problemUri(code, root);
  const { title } = describeProblem(code);
  const body = JSON.stringify({ type, status, title, code, detail, requestId });
  return (
    `HTTP/1.1 ${status} ${reasons[status]}\r\nContent-Type: application/problem+json\r\n` +
    `X-Request-Id: ${requestId}\r\nCache-Control: no-store\r\nConnection: close\r\n${moreHeaders}` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
