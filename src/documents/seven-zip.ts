import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sevenZip, { type FSStream } from '7z-wasm';
import { type CompiledModule, webAssembly } from './web-assembly.ts';

/** Folders of the disk by the name under which 7-Zip shall see them: `in` becomes `/in`. */
type Mounts = Record<string, string>;

export type SevenZipOptions = {
  mounts: Mounts;
  /** Files that exist in memory only, below `/files`; the run starts in that folder. */
  files?: ReadonlyMap<string, Uint8Array>;
  /** Standard output beyond this ends the run with `SevenZipStop`. */
  maxOutputBytes?: number;
  /** Time as of `Date.now()` after which the run ends with `SevenZipStop`. */
  deadline?: number;
};

export type SevenZipResult = {
  /** 0 good, 1 warning, 2 and more failure. */
  exitCode: number;
  output: Buffer;
  messages: string;
};

/** The run was ended by us: it printed too much or took too long. */
export class SevenZipStop extends Error {
  override readonly name = 'SevenZipStop';
  readonly reason: 'output' | 'deadline';

  constructor(reason: 'output' | 'deadline') {
    super(`7-Zip was stopped: ${reason}`);
    this.reason = reason;
  }
}

type StreamOps = {
  read(stream: FSStream, buffer: Uint8Array, offset: number, length: number, at?: number): number;
  write(stream: FSStream, buffer: Uint8Array, offset: number, length: number): number;
};
type OpenModule = Awaited<ReturnType<typeof sevenZip.default>>;
type OpenFileSystem = OpenModule['FS'] & { streams: { stream_ops: StreamOps }[] };

const failed = 2;
const maxMessageBytes = 16_384;
let compiled: Promise<CompiledModule> | undefined;

/**
 * Runs one 7-Zip command in a fresh instance: an instance keeps state from command to command. It holds
 * the thread until it ends, so archives of unknown origin are read in a process of their own.
 *
 * @throws SevenZipStop when a limit ends it
 * @throws Error with the code ENOSPC when the disk is full
 */
export async function runSevenZip(
  args: readonly string[],
  options: SevenZipOptions,
): Promise<SevenZipResult> {
  const output = createSink(options.maxOutputBytes ?? 2 ** 20, 'stop');
  const messages = createSink(maxMessageBytes, 'drop');
  const checkTime = () => {
    if (options.deadline !== undefined && Date.now() > options.deadline) {
      throw new SevenZipStop('deadline');
    }
  };
  const module = await openModule();
  const fileSystem = module.FS as OpenFileSystem;
  redirect(fileSystem, 1, output, checkTime);
  redirect(fileSystem, 2, messages, checkTime);
  const disk = mountAll(module, options, checkTime);
  const exitCode = callMain(module, args, messages);
  if (exitCode !== 0 && disk.isFull)
    throw Object.assign(new Error('7-Zip met a full disk.'), { code: 'ENOSPC' });
  return { exitCode, output: output.content(), messages: messages.content().toString('utf8') };
}

async function openModule(): Promise<OpenModule> {
  compiled ??= readFile(
    join(dirname(createRequire(import.meta.url).resolve('7z-wasm')), '7zz.wasm'),
  ).then((bytes) => webAssembly.compile(bytes));
  const module = await compiled;
  const instantiateWasm = (
    imports: object,
    receive: (instance: object, module: CompiledModule) => void,
  ) => {
    void webAssembly.instantiate(module, imports).then((instance) => receive(instance, module));
    return {};
  };
  const ours = { instantiateWasm, stdin: () => null, print: () => {}, printErr: () => {} };
  return await sevenZip.default(ours as unknown as Parameters<typeof sevenZip.default>[0]);
}

type Sink = { write(bytes: Uint8Array): void; content(): Buffer };

function createSink(maxBytes: number, atTheEnd: 'stop' | 'drop'): Sink {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    write(bytes) {
      if (size + bytes.length > maxBytes) {
        if (atTheEnd === 'stop') throw new SevenZipStop('output');
        return;
      }
      size += bytes.length;
      chunks.push(Buffer.from(bytes)); // a copy: the bytes are 7-Zip's own memory
    },
    content: () => Buffer.concat(chunks, size),
  };
}

/** Takes whole blocks: the library's own way calls a function per byte. */
function redirect(fileSystem: OpenFileSystem, fd: number, sink: Sink, checkTime: () => void): void {
  const stream = fileSystem.streams[fd];
  if (!stream) throw new Error(`7-Zip opened no stream ${fd}`);
  stream.stream_ops = {
    ...stream.stream_ops,
    write(_stream, buffer, offset, length) {
      checkTime();
      sink.write(buffer.subarray(offset, offset + length));
      return length;
    },
  };
}

/** Numbers of ENOSPC and EDQUOT in WebAssembly's C library. */
const fullDiskNumbers: unknown[] = [51, 19];

function mountAll(
  module: OpenModule,
  options: SevenZipOptions,
  checkTime: () => void,
): { isFull: boolean } {
  const disk = { isFull: false };
  const nodeFiles = module.NODEFS as unknown as { stream_ops: StreamOps };
  const { read, write } = nodeFiles.stream_ops;
  nodeFiles.stream_ops.write = (...stream) => {
    try {
      return write(...stream);
    } catch (error) {
      // 7-Zip ends without a word about it.
      if (fullDiskNumbers.includes((error as { errno?: number }).errno)) disk.isFull = true;
      throw error;
    }
  };
  nodeFiles.stream_ops.read = (...stream) => {
    checkTime();
    return read(...stream);
  };
  for (const [name, root] of Object.entries(options.mounts)) {
    module.FS.mkdir(`/${name}`);
    module.FS.mount(module.NODEFS, { root }, `/${name}`);
  }
  module.FS.mkdir('/files');
  for (const [name, content] of options.files ?? []) {
    makeFolders(module, `/files/${name}`);
    module.FS.writeFile(`/files/${name}`, content);
  }
  module.FS.chdir('/files');
  return disk;
}

function makeFolders(module: OpenModule, file: string): void {
  const segments = file.split('/').slice(1, -1);
  for (let depth = 1; depth <= segments.length; depth += 1) {
    const folder = `/${segments.slice(0, depth).join('/')}`;
    const parent = folder.slice(0, folder.lastIndexOf('/')) || '/';
    if (!module.FS.readdir(parent).includes(segments[depth - 1] ?? '')) module.FS.mkdir(folder);
  }
}

/** 7-Zip gave up or fell over: nothing of that instance is used again. */
function callMain(module: OpenModule, args: readonly string[], messages: Sink): number {
  try {
    return Number(module.callMain([...args]) ?? 0);
  } catch (error) {
    if (typeof error === 'number') return failed; // a C++ exception, already told on standard error
    if (!(error instanceof webAssembly.RuntimeError)) throw error;
    messages.write(Buffer.from(`\n${error.message}`));
    return failed;
  }
}
