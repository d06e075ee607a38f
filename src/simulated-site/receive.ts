import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { ReceivedFile } from './operation.ts';

export type Received = { params: Record<string, string>; files: ReceivedFile[] };

/** Query, form fields and files; files go straight to disk. A field of the body wins over the query. */
export async function receive(request: FastifyRequest, folder: string): Promise<Received> {
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.query as Record<string, unknown>)) {
    params[name] = String([value].flat()[0]);
  }
  if (!request.isMultipart()) {
    return { params: { ...params, ...readBody(request) }, files: [] };
  }
  const files: ReceivedFile[] = [];
  try {
    for await (const part of request.parts()) {
      if (part.type === 'file') files.push(await keep(part, folder));
      else params[part.fieldname] = String(part.value);
    }
  } catch (error) {
    await discard(files);
    throw error;
  }
  return { params, files };
}

/** Forms only: a JSON body is not understood, and nothing of it arrives. */
function readBody(request: FastifyRequest): Record<string, string> {
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  return isForm ? (request.body as Record<string, string>) : {};
}

async function keep(part: MultipartFile, folder: string): Promise<ReceivedFile> {
  await mkdir(join(folder, 'incoming'), { recursive: true });
  const path = join(folder, 'incoming', randomUUID());
  const out = createWriteStream(path);
  try {
    await pipeline(part.file, out);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return { field: part.fieldname, fileName: part.filename, path, sizeBytes: out.bytesWritten };
}

/** Files that nobody took over. */
export async function discard(files: ReceivedFile[]): Promise<void> {
  for (const { path } of files) await rm(path, { force: true });
}

/** `application/x-www-form-urlencoded`; the first of repeated fields counts. */
export function readForm(body: string): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(body)) params[name] ??= value;
  return params;
}
