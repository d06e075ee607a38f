import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

type Line = {
  caller: Socket;
  server: Socket;
  /** Answers that are under way, in their order: a later one never overtakes, however the delay changes. */
  underWay: { chunk: Buffer; dueMs: number }[];
};

/** A line between two processes that can be cut, held up or slowed down while both of them live. */
export class TcpProxy {
  readonly #server = createServer((caller) => this.#connect(caller));
  readonly #target: number;
  readonly #lines = new Set<Line>();
  readonly #held: (() => void)[] = [];
  readonly #onConnect: (() => void)[] = [];
  readonly #onRequest = new Set<(text: string) => void>();
  #state: 'open' | 'cut' | 'replies-held' = 'open';
  #delayMs = 0;

  constructor(targetPort: number) {
    this.#target = targetPort;
  }

  /** @returns the port it listens on */
  async open(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Ends every connection; new ones are refused until the line is mended. */
  cut(): void {
    this.#state = 'cut';
    for (const { caller, server } of this.#lines) {
      caller.destroy();
      server.destroy();
    }
    this.#lines.clear();
  }

  /** Requests arrive and are carried out; what is answered does not come back until the line is mended. */
  holdReplies(): void {
    this.#state = 'replies-held';
  }

  /** What was held up arrives bit by bit, in its order. */
  mend(): void {
    const next = this.#held.shift();
    if (!next) {
      this.#state = 'open';
      return;
    }
    next();
    setTimeout(() => this.mend(), 5);
  }

  /** Every answer takes so much longer. */
  slowDown(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Called once, when the next connection is made, before a byte of it has passed. */
  atNextConnection(listener: () => void): void {
    this.#onConnect.push(listener);
  }

  /** Hears what callers send, until the listener is taken away again. */
  onRequest(listener: (text: string) => void): () => void {
    this.#onRequest.add(listener);
    return () => this.#onRequest.delete(listener);
  }

  #connect(caller: Socket): void {
    if (this.#state === 'cut') {
      caller.destroy();
      return;
    }
    for (const listener of this.#onConnect.splice(0)) listener();
    const server = connect(this.#target, '127.0.0.1');
    const line: Line = { caller, server, underWay: [] };
    this.#lines.add(line);
    const end = () => {
      this.#lines.delete(line);
      caller.destroy();
      server.destroy();
    };
    for (const socket of [caller, server]) socket.setNoDelay().on('error', end).on('close', end);
    caller.on('data', (chunk) => {
      for (const listener of this.#onRequest) listener(chunk.toString('latin1'));
      server.write(chunk);
    });
    server.on('data', (chunk) => this.#passBack(line, chunk));
  }

  #passBack(line: Line, chunk: Buffer): void {
    line.underWay.push({ chunk, dueMs: Date.now() + this.#delayMs });
    if (line.underWay.length === 1) this.#passNext(line);
  }

  #passNext(line: Line): void {
    const [next] = line.underWay;
    if (!next) return;
    const waitMs = next.dueMs - Date.now();
    if (waitMs > 0) {
      setTimeout(() => this.#passNext(line), waitMs);
      return;
    }
    line.underWay.shift();
    const write = () => {
      if (!line.caller.destroyed) line.caller.write(next.chunk);
    };
    if (this.#state === 'replies-held') this.#held.push(write);
    else write();
    this.#passNext(line);
  }
}
