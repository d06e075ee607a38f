import { copyFile } from 'node:fs/promises';
import type { ArcpySession } from '../arcpy/arcpy-session.ts';
import { inFolder } from './definition-making.ts';
import { borrowUpload, getUpload } from './document-inputs.ts';
import type { FileLink } from './file-link.ts';
import type { JobContext } from './job-type.ts';
import type { UploadRecord } from './upload-records.ts';

/** Lays an upload into the folder of the job, under a name that every file system takes. */
export async function layIn(
  session: ArcpySession,
  link: FileLink,
  context: JobContext,
  as?: (upload: UploadRecord) => string,
): Promise<{ file: string; upload: UploadRecord }> {
  const upload = await getUpload(link, context);
  const file = `${inFolder}/${toFileName(as?.(upload) ?? upload.name)}`;
  await borrowUpload(upload, context, (path) => copyFile(path, session.pathOf(file)));
  return { file, upload };
}

/** Unpacks the data that come along beside the document. */
export async function unpackData(
  session: ArcpySession,
  link: FileLink | undefined,
  context: JobContext,
): Promise<void> {
  if (!link) return;
  const upload = await getUpload(link, context);
  const archive = 'data.zip';
  await borrowUpload(upload, context, (path) => copyFile(path, session.pathOf(archive)));
  await session.unpack(archive, inFolder);
}

export function toFileName(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? '';
  const clean = base.replaceAll(/[^\p{L}\p{N}_. -]/gu, '_').replace(/^[. ]+/, '');
  return clean.slice(-120) || 'document';
}

export function endingOf(name: string): string {
  return /\.[a-z0-9]{1,10}$/i.exec(name)?.[0].toLowerCase() ?? '';
}

/** Absolute, or up and away. */
export function leadsOut(path: string): boolean {
  return /^(?:[\\/]|[A-Za-z]:)/.test(path) || path.split(/[\\/]/).includes('..');
}
