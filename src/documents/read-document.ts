import { open, readFile, stat } from 'node:fs/promises';
import { DocumentError } from '../lib/errors.ts';
import { findMember, openArchive } from './archive.ts';
import { type ArchiveLimits, rejected } from './archive-limits.ts';
import { checkSignature } from './archive-signature.ts';
import { isCompoundFile, readStreams } from './compound-file.ts';
import { readConnectionFile } from './connection-file.ts';
import { readDefinitionContent } from './definition-content.ts';
import type { DescribeOptions } from './describe-connection.ts';
import { describeMaps } from './describe-map.ts';
import type { DocumentContent, OpaqueContent } from './document-content.ts';
import { describeDraft, openDraft } from './draft-file.ts';
import { openMapFile } from './map-file.ts';
import { describePackage } from './package-file.ts';
import { openProjectFile } from './project-file.ts';

export type DocumentForm = 'json' | 'xml' | 'zip' | '7z' | 'compound';

const notOfArcGis =
  'The file is no document of ArcGIS that can be read: .sd, .sddraft, .aprx, .mapx, .lyrx, .sde or a package.';

const peekBytes = 512;
/** One text is read whole; larger ones are not of ArcGIS. */
const maxTextBytes = 64 * 2 ** 20;
const maxCompoundBytes = 2 ** 20;

export type ReadOptions = DescribeOptions & {
  /** As it was called when it was sent, for messages. */
  name: string;
  limits: ArchiveLimits;
  deadline: number;
};

/**
 * Looks into any document of ArcGIS. The first bytes decide what it is, never the name.
 *
 * @throws DocumentError archive_rejected | unreadable_document
 */
export async function readDocument(path: string, options: ReadOptions): Promise<DocumentContent> {
  const form = await getForm(path);
  if (form === 'zip') return await readProject(path, options);
  if (form === '7z') return await readSevenZip(path, options);
  if (form === 'compound') return await readCompound(path, options);
  const content = await readText(path);
  if (form === 'xml') return describeDraft(openDraft(content, 'The draft'));
  return describeMaps(openMapFile(content, 'The document'), options);
}

/** @throws DocumentError unreadable_document when it is none of ours */
export async function getForm(path: string): Promise<DocumentForm> {
  const { size } = await stat(path);
  const form = await findForm(path);
  if (form) return form;
  throw unreadable(size === 0 ? 'The file is empty.' : notOfArcGis);
}

/** How a file begins; nothing for what no document of ArcGIS begins with. */
export async function findForm(path: string): Promise<DocumentForm | undefined> {
  if (!(await stat(path)).isFile()) throw unreadable('This is not a file.');
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(peekBytes), 0, peekBytes, 0);
    return judgeStart(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

function judgeStart(start: Buffer): DocumentForm | undefined {
  const hex = start.toString('hex', 0, 6);
  if (hex === '377abcaf271c') return '7z';
  if (hex.startsWith('504b0304')) return 'zip';
  if (isCompoundFile(start)) return 'compound';
  const text = start
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (text.startsWith('{')) return 'json';
  return /^<\?xml|^<SVCManifest|^<!--/.test(text) ? 'xml' : undefined;
}

/** @throws DocumentError archive_rejected when it is larger than any such text */
export async function readText(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > maxTextBytes) throw rejected(`it is a text of more than ${maxTextBytes} bytes`);
  return await readFile(path);
}

async function readProject(
  path: string,
  { limits, ...options }: ReadOptions,
): Promise<DocumentContent> {
  const project = await openProjectFile(path, limits);
  try {
    return describeMaps(project, options);
  } finally {
    await project.zip.handle.close();
  }
}

async function readSevenZip(
  path: string,
  { limits, deadline }: ReadOptions,
): Promise<DocumentContent> {
  await checkSignature(path);
  const archive = await openArchive(path, { limits, deadline });
  const isDefinition = findMember(archive, 'serviceconfiguration.json') !== undefined;
  const isPackage = archive.members.some(({ name }) => /esriinfo\/item\.pkinfo$/i.test(name));
  if (isDefinition || (findMember(archive, 'manifest.xml') && !isPackage)) {
    return await readDefinitionContent(archive);
  }
  return await describePackage(archive);
}

/** Binary documents: connections are read, of the others only what they are. */
async function readCompound(path: string, { name }: ReadOptions): Promise<DocumentContent> {
  const { size } = await stat(path);
  const streams = size <= maxCompoundBytes ? readStreams(await readFile(path)) : undefined;
  if (streams?.has('SDEConnProperties')) return readConnectionFile(await readFile(path));
  if (streams?.has('AGSConnProperties')) {
    return opaque(
      'site-connection-file',
      'A connection to a server (.ags). Its password is not read.',
    );
  }
  const versionText = streams?.get('Version')?.toString('utf16le').replaceAll('\0', '');
  const version = /\d+\.\d+(?:\.\d+)?/.exec(versionText ?? '')?.[0];
  if (streams?.has('Maps') || /\.mxd$/i.test(name)) {
    const note =
      'A document of ArcMap: only ArcPy reads and changes it. Import it into a project with ArcPy and go on with that.';
    return { ...opaque('arcmap-document', note), ...(version && { version }) };
  }
  if (streams?.has('Tool0') || /\.tbx$/i.test(name)) {
    return opaque('toolbox', 'A binary toolbox (.tbx): only ArcPy reads it.');
  }
  return opaque(
    'compound-file',
    'A binary document of ArcGIS, such as .lyr or .rlt: only ArcPy reads it.',
  );
}

function opaque(kind: OpaqueContent['kind'], note: string): OpaqueContent {
  return { kind, needsArcPy: kind !== 'site-connection-file', note };
}

function unreadable(message: string): DocumentError {
  return new DocumentError('unreadable_document', message);
}
