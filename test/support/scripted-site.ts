import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request as it was heard. Of large bodies only the two ends are kept. */
export type Heard = {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  params: Record<string, string>;
  bodyBytes: number;
  bodyHead: string;
  bodyTail: string;
};

export type Answer =
  | { body: unknown; status?: number; headers?: Record<string, string> }
  | 'cut'
  | 'silence';

/** `times` counts the requests for this path, from 1. */
export type Script = Record<string, (heard: Heard, times: number) => Answer | Promise<Answer>>;

export type ScriptedSite = {
  url: string;
  heard: Heard[];
  heardOf(path: string): Heard[];
  /** Cuts what is still being received for a path; tells how many there were. */
  cutConnections(path: string): number;
  close(): Promise<void>;
};

const keptBytes = 16_384;

/** A real HTTP server that answers each path as it is told, for what no well-behaved site would do. */
export async function openScriptedSite(
  script: Script,
  tls?: { key: string; cert: string },
): Promise<ScriptedSite> {
  const heard: Heard[] = [];
  const heardOf = (path: string) => heard.filter((one) => one.path === path);

  const receiving = new Map<IncomingMessage, string>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    receiving.set(request, request.url ?? '');
    const one = await listen(request).finally(() => receiving.delete(request));
    heard.push(one);
    const act = script[one.path];
    const said = act ? await act(one, heardOf(one.path).length) : notFound(one.path);
    if (said === 'cut') {
      request.socket.destroy();
      return;
    }
    if (said === 'silence') return;
    response.writeHead(said.status ?? 200, {
      'content-type': 'text/plain;charset=utf-8',
      ...said.headers,
    });
    response.end(typeof said.body === 'string' ? said.body : JSON.stringify(said.body));
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch(() => request.socket.destroy());
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}/arcgis`,
    heard,
    heardOf,
    cutConnections: (path) => {
      const cut = [...receiving].filter(([, url]) => url === path);
      for (const [request] of cut) request.socket.destroy();
      return cut.length;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(request: IncomingMessage): Promise<Heard> {
  let bodyBytes = 0;
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bodyBytes += chunk.length;
    if (head.length < keptBytes) head = Buffer.concat([head, chunk]).subarray(0, keptBytes);
    tail = Buffer.concat([tail, chunk]).subarray(-keptBytes);
  }
  const url = new URL(request.url ?? '/', 'http://site');
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  const form = isForm ? new URLSearchParams(head.toString()) : [];
  return {
    method: request.method ?? '',
    path: url.pathname,
    headers: request.headers,
    params: Object.fromEntries([...url.searchParams, ...form]),
    bodyBytes,
    bodyHead: head.toString('latin1'),
    bodyTail: tail.toString('latin1'),
  };
}

function notFound(path: string): Answer {
  const messages = [`Could not find resource or operation '${path}' on the system.`];
  return { body: { status: 'error', messages, code: 404 } };
}
