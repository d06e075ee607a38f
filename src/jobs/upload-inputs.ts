import { toPointer } from '../lib/json-pointer.ts';
import { FileLink, type LinkedFile, readLink, uploadIdOf } from './file-link.ts';
import type { JobType } from './job-type.ts';

type Place = { input: string; at?: number; pointer: string };
type FileInputs = Pick<JobType, 'fileInputs'>;

/**
 * The files that inputs link to, in order; of an input that takes several, each.
 *
 * @throws RequestError validation_error for a link to anything but a file of ours
 */
export function fileLinksOf(
  jobType: FileInputs,
  params: Record<string, unknown>,
  publicUrls: string[],
): (Place & LinkedFile)[] {
  return placesOf(jobType, params).map(({ link, ...place }) => ({
    ...place,
    ...readLink(link, publicUrls, place.pointer),
  }));
}

/** The uploads that parameters link to, as they are kept. */
export function uploadIdsOf(
  jobType: FileInputs,
  params: Record<string, unknown>,
): { input: string; uploadId: string }[] {
  return placesOf(jobType, params).map(({ input, link, pointer }) => ({
    input,
    uploadId: uploadIdOf(link, [], pointer),
  }));
}

/** An input may take something else beside files; that is passed over. */
function placesOf(
  { fileInputs }: FileInputs,
  params: Record<string, unknown>,
): (Place & { link: FileLink })[] {
  return fileInputs.flatMap((input) => {
    const value = params[input];
    if (value === undefined) return [];
    const several = Array.isArray(value);
    return [value].flat().flatMap((each, at) => {
      const { data: link } = FileLink.safeParse(each);
      const pointer = toPointer(['inputs', input, ...(several ? [at] : [])]);
      return link ? [{ input, ...(several && { at }), pointer, link }] : [];
    });
  });
}
