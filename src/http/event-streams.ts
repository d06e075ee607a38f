import type { FastifyReply, FastifyRequest } from 'fastify';

/** Comments at this pace keep proxies from cutting a quiet stream. */
const heartbeatMs = 15_000;
/** A reader that lets more than this pile up is cut off; it comes back with `Last-Event-ID`. */
const mostBufferedBytes = 1 << 20;
/** How long a client shall wait before it reconnects. */
const reconnectMs = 5_000;

export type ServerEvent = { id?: string; event: string; data: unknown };

/** One listener. Writing waits for a slow reader, so that nothing piles up. */
export type EventStream = {
  /** True once the reader is gone or the stream was ended. */
  isOver: () => boolean;
  send: (event: ServerEvent) => Promise<void>;
  end: () => void;
  onOver: (listener: () => void) => void;
};

/**
 * The open server-sent event streams of this process: one heartbeat for all of them, and an orderly end
 * of all at shutdown (WHATWG HTML, "Server-sent events").
 */
export class EventStreams {
  readonly #open = new Set<{ reply: FastifyReply; end: () => void }>();
  readonly #onCount: (count: number) => void;
  #heartbeat: NodeJS.Timeout | undefined;

  /** @param onCount told how many are open whenever that changes */
  constructor(onCount: (count: number) => void = () => {}) {
    this.#onCount = onCount;
  }

  get count(): number {
    return this.#open.size;
  }

  open(request: FastifyRequest, reply: FastifyReply): EventStream {
    reply.hijack();
    const { raw } = reply;
    const listeners: (() => void)[] = [];
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      this.#open.delete(entry);
      this.#onCount(this.#open.size);
      if (this.#open.size === 0) clearInterval(this.#heartbeat);
      for (const listener of listeners) listener();
    };
    const entry = {
      reply,
      end: () => {
        over();
        raw.end();
      },
    };
    raw.once('close', over);
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': request.id,
    });
    raw.write(`retry: ${reconnectMs}\n\n`);
    raw.socket?.setTimeout(0); // quiet is usual here; the heartbeat finds dead readers
    this.#open.add(entry);
    this.#onCount(this.#open.size);
    if (this.#open.size === 1) this.#beat();
    return {
      isOver: () => isOver,
      onOver: (listener) => (isOver ? listener() : listeners.push(listener)),
      end: entry.end,
      send: async (event) => {
        if (isOver || raw.write(toText(event))) return;
        await new Promise<void>((resolve) => {
          raw.once('drain', resolve);
          raw.once('close', resolve);
        });
      },
    };
  }

  /** Ends every stream; readers reconnect to another process. */
  close(): void {
    for (const { end } of [...this.#open]) end();
    clearInterval(this.#heartbeat);
  }

  #beat(): void {
    this.#heartbeat = setInterval(() => {
      for (const { reply, end } of [...this.#open]) {
        if (reply.raw.writableLength > mostBufferedBytes) end();
        else reply.raw.write(': still here\n\n');
      }
    }, heartbeatMs);
    this.#heartbeat.unref();
  }
}

/** JSON has no raw line breaks, so one `data` line always suffices. */
function toText({ id, event, data }: ServerEvent): string {
  const first = id === undefined ? '' : `id: ${id}\n`;
  return `${first}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
