import type { MultipartFile, MultipartValue } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { type FileLink, linkToUpload } from '../../jobs/file-link.ts';
import type { UploadRecord } from '../../jobs/upload-records.ts';
import { RequestError } from '../../lib/errors.ts';
import { toPointer } from '../../lib/json-pointer.ts';
import type { InputDescription, JsonSchema } from '../input-description.ts';
import { invalid, parseExecuteRequest, type Received, type SentFiles } from './execute-request.ts';

export type MultipartReading = {
  inputs: InputDescription[];
  maxFileBytes: number;
  /** Refuses what can be refused by the inputs that are known before a file. */
  checkBeforeFile: (inputsSoFar: Record<string, unknown>) => void;
  receive: (part: MultipartFile) => Promise<UploadRecord>;
};

const textBytes = 2 ** 20;
/** Of all texts together, for many small ones are welcome: each member of an array may be a part. */
const allTextBytes = 8 * 2 ** 20;
const limits = {
  fieldNameSize: 200,
  fieldSize: textBytes,
  fields: 2_000,
  files: 1_000,
  parts: 3_000,
  headerPairs: 50,
};

/**
 * Reads an execution sent as `multipart/form-data`. Parts come in any order; a file fills the input of
 * its name, a text is the string or JSON that the input wants, repeated parts make an array.
 */
export async function readMultipartRequest(
  request: FastifyRequest,
  reading: MultipartReading,
): Promise<Received> {
  const form = new Form(reading.inputs);
  const files: SentFiles = {};
  let textTotal = 0;
  const parts = request.parts({ limits: { ...limits, fileSize: reading.maxFileBytes } });
  for (let part = await nextPart(parts); part; part = await nextPart(parts)) {
    if (part.type === 'field') {
      textTotal += String(part.value).length;
      if (textTotal > allTextBytes) throw tooLong(part.fieldname);
      form.addText(part);
      continue;
    }
    if (part.fieldname === 'inputs') {
      form.addText({ fieldname: 'inputs', value: await readText(part) });
      continue;
    }
    form.checkFile(part.fieldname);
    reading.checkBeforeFile(form.inputs());
    const upload = await reading.receive(part);
    files[part.fieldname] = [...(files[part.fieldname] ?? []), upload];
    form.addFile(part.fieldname, upload);
  }
  return { ...parseExecuteRequest(form.toBody()), files };
}

/** Of `-F inputs=@inputs.json`: a file, but not one to keep. */
async function readText({ fieldname, file }: MultipartFile): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of file) {
    sizeBytes += chunk.length;
    if (sizeBytes > textBytes) throw tooLong(fieldname);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What the parser throws between parts is about the bytes, so it is the caller's. */
export async function nextPart(parts: AsyncIterableIterator<MultipartFile | MultipartValue>) {
  try {
    const { value, done } = await parts.next();
    return done ? undefined : (value as MultipartFile | MultipartValue);
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('FST_')) throw error;
    throw new RequestError('malformed_request', 'The multipart body cannot be read.', {
      cause: error,
    });
  }
}

/** The parts that have come so far. */
class Form {
  readonly #inputs: Map<string, InputDescription>;
  readonly #filled = new Map<string, unknown>();
  readonly #rest = new Map<string, unknown>();
  readonly #texts = new Map<string, string[]>();
  readonly #files = new Map<string, FileLink[]>();
  readonly #labels: string[] = [];

  constructor(inputs: InputDescription[]) {
    this.#inputs = new Map(inputs.map((input) => [input.id, input]));
  }

  addText(part: Pick<MultipartValue, 'fieldname' | 'value'> & { valueTruncated?: boolean }): void {
    const { fieldname: name } = part;
    if (part.valueTruncated) throw tooLong(name);
    // The parser has already read a part that says it is JSON.
    const text = typeof part.value === 'string' ? part.value : JSON.stringify(part.value);
    if (name === 'labels') this.#labels.push(...toLabels(text));
    else if (name === 'inputs') this.#addRest(parseJson(text, '#/inputs'));
    else if (name === 'reference' || name === 'response' || name === 'at')
      this.#setOnce(this.#rest, name, text, `#/${name}`);
    else if (name === 'outputs' || name === 'subscriber')
      this.#setOnce(this.#rest, name, parseJson(text, `#/${name}`), `#/${name}`);
    else this.#addInput(this.#inputOf(name), text);
  }

  /** @throws RequestError when no file belongs there, or one is there already */
  checkFile(name: string): void {
    const input = this.#inputOf(name);
    if (!input.isFile)
      throw invalid(toPointer(['inputs', name]), 'not_a_file', 'is not a file: send it as text');
    if (input.takesFiles ? this.#filled.has(name) && !this.#files.has(name) : this.#isTaken(name))
      throw twice(name);
    if (this.#texts.has(name)) throw twice(name);
  }

  addFile(name: string, { uploadId }: UploadRecord): void {
    const links = [...(this.#files.get(name) ?? []), linkToUpload(uploadId)];
    this.#files.set(name, links);
    this.#filled.set(name, this.#inputOf(name).takesFiles ? links : links[0]);
  }

  fill(name: string, value: unknown): void {
    if (this.#isTaken(name)) throw twice(name);
    this.#filled.set(name, value);
  }

  inputs(): Record<string, unknown> {
    const texts = [...this.#texts].map(([name, values]) => [
      name,
      toValue(this.#inputOf(name), values),
    ]);
    return { ...Object.fromEntries(this.#filled), ...Object.fromEntries(texts) };
  }

  toBody(): Record<string, unknown> {
    return {
      ...Object.fromEntries(this.#rest),
      inputs: this.inputs(),
      ...(this.#labels.length > 0 && { labels: this.#labels }),
    };
  }

  #addInput(input: InputDescription, text: string): void {
    if (this.#filled.has(input.id)) throw twice(input.id);
    const before = this.#texts.get(input.id) ?? [];
    if (before.length > 0 && !takesList(input.schema)) throw twice(input.id);
    this.#texts.set(input.id, [...before, text]);
  }

  #addRest(json: unknown): void {
    if (json === null || typeof json !== 'object' || Array.isArray(json)) {
      throw invalid('#/inputs', 'invalid_type', 'the part `inputs` is a JSON object');
    }
    for (const [name, value] of Object.entries(json)) this.fill(name, value);
  }

  #setOnce(members: Map<string, unknown>, name: string, value: unknown, pointer: string): void {
    if (members.has(name)) throw invalid(pointer, 'sent_twice', 'is there twice');
    members.set(name, value);
  }

  #isTaken(name: string): boolean {
    return this.#filled.has(name) || this.#texts.has(name);
  }

  #inputOf(name: string | undefined): InputDescription {
    if (!name) throw new RequestError('malformed_request', 'A part of the form has no name.');
    const input = this.#inputs.get(name);
    if (input) return input;
    throw invalid(
      toPointer(['inputs', name]),
      'unrecognized_key',
      'is not an input of this process',
    );
  }
}

function tooLong(name: string): RequestError {
  const message = `The part ${name} is longer than ${textBytes} bytes.`;
  return new RequestError('payload_too_large', message);
}

function twice(name: string): RequestError {
  return invalid(toPointer(['inputs', name]), 'sent_twice', 'is there twice');
}

function toValue(input: InputDescription, texts: string[]): unknown {
  const pointer = toPointer(['inputs', input.id]);
  const [text = ''] = texts;
  if (takesList(input.schema)) {
    if (texts.length === 1 && /^\s*\[/.test(text)) return parseJson(text, pointer);
    const items = (input.schema.items ?? {}) as JsonSchema;
    return texts.map((each) => (takesText(items) ? each : parseJson(each, pointer)));
  }
  return takesText(input.schema) ? text : parseJson(text, pointer);
}

function takesList(schema: JsonSchema): boolean {
  return schema.type === 'array';
}

function takesText(schema: JsonSchema): boolean {
  if (schema.type === 'string' || typeof schema.const === 'string') return true;
  const either = schema.anyOf ?? schema.oneOf;
  return Array.isArray(either) && either.some((each) => takesText(each as JsonSchema));
}

function toLabels(text: string): string[] {
  const json = /^\s*\[/.test(text) ? parseJson(text, '#/labels') : text;
  return [json].flat().map(String);
}

function parseJson(text: string, pointer: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RequestError('validation_error', '1 fault in the request.', {
      cause: error,
      errors: [
        { pointer, code: 'invalid_json', detail: 'is not text but JSON here, and this is none' },
      ],
    });
  }
}
