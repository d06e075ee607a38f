import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';

export type FormFields = Record<string, string | number | boolean | undefined>;

/** Something that can be sent, more than once if need be: each try opens it anew. */
export type RequestBody = {
  contentType: string;
  lengthBytes: number;
  open: () => OpenBody;
};

export type OpenBody = {
  chunks: AsyncGenerator<Uint8Array>;
  /** What went wrong on our side, with the file; nothing else. */
  readonly sourceFault: Error | undefined;
  /** Lets the file go, also while it is being waited for. */
  close: () => void;
};

/** A file on its way to a site. `open` should read in chunks of 1 MiB: with 64 KiB it takes four times as long. */
export type FileToSend = {
  fieldName: string;
  fileName: string;
  sizeBytes: number;
  open: () => Readable;
  /** Told the bytes of the file that were handed to the connection so far. */
  onSent?: ((sentBytes: number) => void) | undefined;
};

/** Operations take forms only; a JSON body is not understood (Esri, "Using the API"). */
export function toFormBody(fields: FormFields): RequestBody {
  const form = Buffer.from(new URLSearchParams(presentFields(fields)).toString());
  async function* only() {
    yield form;
  }
  return {
    contentType: 'application/x-www-form-urlencoded',
    lengthBytes: form.length,
    open: () => ({ chunks: only(), sourceFault: undefined, close: () => {} }),
  };
}

/**
 * Fields first, then the file, so that a site knows who is asking before the bytes come. The length is known
 * beforehand: chunked bodies are not understood by everything that stands before a site.
 */
export function toMultipartBody(fields: FormFields, file: FileToSend): RequestBody {
  const boundary = `pressroom-${randomUUID()}`;
  const parts = presentFields(fields).map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${escapeQuoted(name)}"\r\n\r\n${value}\r\n`,
  );
  const head = Buffer.from(
    `${parts.join('')}--${boundary}\r\nContent-Disposition: form-data; name="${escapeQuoted(file.fieldName)}"; ` +
      `filename="${escapeQuoted(file.fileName)}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    lengthBytes: head.length + file.sizeBytes + tail.length,
    open: () => openFile(file, { head, tail }),
  };
}

function openFile(file: FileToSend, { head, tail }: { head: Buffer; tail: Buffer }): OpenBody {
  const source = file.open();
  let sourceFault: Error | undefined;

  /** What is thrown while we read is the file's fault; what is thrown at a `yield` is the connection's. */
  async function* readFile() {
    let isReading = true;
    let sentBytes = 0;
    try {
      for await (const chunk of source) {
        sentBytes += chunk.length;
        if (sentBytes > file.sizeBytes) break;
        isReading = false;
        yield chunk;
        isReading = true;
        file.onSent?.(sentBytes);
      }
      if (sentBytes !== file.sizeBytes) {
        throw new Error(`${file.fileName} is not ${file.sizeBytes} bytes long any more`);
      }
    } catch (error) {
      if (isReading) sourceFault = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  async function* chunks() {
    yield head;
    yield* readFile();
    yield tail;
  }

  return {
    chunks: chunks(),
    get sourceFault() {
      return sourceFault;
    },
    close: () => {
      source.on('error', () => {}).destroy(); // nobody reads it any more, so nobody wants to know
    },
  };
}

function presentFields(fields: FormFields): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] satisfies [string, string]],
  );
}

/** As browsers do it (WHATWG HTML, "Multipart form data"). */
function escapeQuoted(text: string): string {
  return text.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22');
}
