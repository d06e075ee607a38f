import { createReadStream } from 'node:fs';
import { z } from 'zod';
import type { FolderStorage } from '../storage/folder-storage.ts';

/** A file that a job made, for whoever asked for the job. Its id is that of the job. */
export const ArtifactRecord = z.object({
  artifactId: z.string(),
  owner: z.string(),
  name: z.string(),
  mediaType: z.string(),
  sizeBytes: z.number(),
  sha256: z.string(),
  createdMs: z.number(),
});
export type ArtifactRecord = z.output<typeof ArtifactRecord>;

/** How a result refers to a file that was made. */
export const ArtifactLink = z
  .object({
    href: z.string().describe('Where to get the file: `/v1/artifacts/{jobId}`'),
    name: z.string().describe('Name of the file'),
    type: z.string().describe('Media type'),
    sizeBytes: z.number().describe('Size of the file'),
    sha256: z.string().describe('SHA-256 of the content, in hex'),
  })
  .meta({ id: 'ArtifactLink' });
export type ArtifactLink = z.output<typeof ArtifactLink>;

export const artifactFolder = 'artifacts';
const maxArtifactBytes = 2 ** 40;
const isId = (id: string) => /^[0-9a-f-]{36}$/i.test(id);
const keyOf = (id: string) => `${artifactFolder}/${id}`;
const recordKeyOf = (id: string) => `${artifactFolder}/${id}.json`;

/** Keeps a file as the artifact of a job; the record comes last, so that a half artifact is none. */
export async function keepArtifact(
  storage: FolderStorage,
  {
    jobId,
    owner,
    name,
    path,
    signal,
  }: {
    jobId: string;
    owner: string;
    name: string;
    path: string;
    signal: AbortSignal;
  },
): Promise<ArtifactLink> {
  await storage.deleteBeginning(keyOf(jobId)); // of an attempt before, halves included
  const stored = await storage.write(keyOf(jobId), createReadStream(path), {
    maxBytes: maxArtifactBytes,
    signal,
  });
  const record: ArtifactRecord = {
    artifactId: jobId,
    owner,
    name,
    mediaType: mediaTypeOf(name),
    ...stored,
    createdMs: Date.now(),
  };
  await storage.writeText(recordKeyOf(jobId), JSON.stringify(record));
  return toLink(record);
}

export async function findArtifact(
  storage: FolderStorage,
  artifactId: string,
): Promise<ArtifactRecord | undefined> {
  if (!isId(artifactId)) return undefined;
  const text = await storage.findText(recordKeyOf(artifactId));
  return text === undefined ? undefined : ArtifactRecord.parse(JSON.parse(text));
}

export function readArtifact(storage: FolderStorage, { artifactId }: ArtifactRecord) {
  return storage.read(keyOf(artifactId));
}

/** The record first: a file without one is found by nobody. */
export async function removeArtifact(storage: FolderStorage, artifactId: string): Promise<void> {
  await storage.delete(recordKeyOf(artifactId));
  await storage.delete(keyOf(artifactId));
}

export function toLink({
  artifactId,
  name,
  mediaType,
  sizeBytes,
  sha256,
}: ArtifactRecord): ArtifactLink {
  return { href: `/v1/artifacts/${artifactId}`, name, type: mediaType, sizeBytes, sha256 };
}

function mediaTypeOf(name: string): string {
  if (/\.(?:mapx|lyrx|json)$/i.test(name)) return 'application/json';
  return /\.sddraft$/i.test(name) ? 'application/xml' : 'application/octet-stream';
}
