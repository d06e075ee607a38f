import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { redactDeep } from '../../lib/redact.ts';
import { type ServiceTarget, toText } from '../../sites/service-target.ts';
import { isNotFound } from '../../sites/site-errors.ts';
import type { Site } from '../../sites/sites.ts';
import { scratch } from '../../storage/folder-storage.ts';
import { ArtifactLink, keepArtifact } from '../artifact-records.ts';
import type { JobContext } from '../job-type.ts';
import { takeSnapshot } from '../publish-service-definition/snapshot.ts';
import { defineStep } from '../step.ts';

type Input = Pick<JobContext, 'jobId' | 'owner' | 'storage' | 'ledger' | 'uploads'> & {
  site: Site;
  services: readonly ServiceTarget[];
};

export const KeptPictures = z.object({
  pictures: ArtifactLink,
  /** Numbers in the history whose definition is kept, by service. */
  versions: z.record(z.string(), z.number()),
});
export type KeptPictures = z.output<typeof KeptPictures>;

/**
 * What would be needed to put services back, in a file, before the first is deleted: however the job ends, it is
 * there. The definition is not in it; where we hold it the version tells which.
 */
export const keepPictures = defineStep<Input, KeptPictures>({
  name: 'pictures',
  title: 'Keeping pictures of the services',
  share: [10, 20],
  result: KeptPictures,
  act: async (input, { signal, attempt, log }) => {
    const { jobId, owner, storage } = input;
    const versions: Record<string, number> = {};
    const key = `${scratch}/${jobId}-${attempt}-pictures`;
    const pictures = await storage.scratch(key, async (path) => {
      const text = Readable.from(writePictures(input, versions, signal));
      await pipeline(text, createWriteStream(path), { signal });
      return keepArtifact(storage, { jobId, owner, name: 'services.json', path, signal });
    });
    await log.info(`What the services are like is kept: ${pictures.href}`);
    return { pictures, versions };
  },
});

async function* writePictures(
  { site, services, ...deps }: Input,
  versions: Record<string, number>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  yield '[';
  let separator = '\n';
  for (const { folder, serviceName, type } of services) {
    const target = { folder, serviceName, type };
    const service = toText(target);
    const snapshot = await takeSnapshot(site, target, signal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined; // somebody was faster
      throw error;
    });
    if (!snapshot) continue;
    const version = await findKeptVersion(site, service, deps);
    if (version !== undefined) versions[service] = version;
    yield separator +
      JSON.stringify({ name: service, version: version ?? null, ...mask(snapshot) });
    separator = ',\n';
  }
  yield '\n]\n';
}

function mask(snapshot: object): object {
  return redactDeep(snapshot) as object;
}

/** The version that is live, if its definition can still be published. */
async function findKeptVersion(
  site: Site,
  service: string,
  { ledger, uploads }: Pick<Input, 'ledger' | 'uploads'>,
): Promise<number | undefined> {
  const last = await ledger.findLive(site.name, service);
  if (last?.uploadId === undefined || !(await uploads.find(last.uploadId))) return undefined;
  return last.version;
}
