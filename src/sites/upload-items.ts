import type { Readable } from 'node:stream';
import { z } from 'zod';
import {
  BooleanLike,
  JsonObject,
  lenient,
  NumberLike,
  parseAnswer,
  TextLike,
} from './answer-shapes.ts';
import type { CallOptions } from './site-client.ts';
import { isNotFound } from './site-errors.ts';
import type { Site } from './sites.ts';

/** A file in the site's uploads. Anybody with the privilege sees and may delete all of them. */
export type UploadItem = {
  itemId: string;
  itemName: string;
  description?: string;
  isCommitted: boolean;
  /** Only where the site tells it; the documented item has no size. */
  sizeBytes?: number;
  uploadedAt?: number;
};

/** @see Esri, "Uploads"; `date` is text at 10.1 and milliseconds later */
const UploadItemAnswer = z
  .looseObject({
    itemID: TextLike,
    itemId: TextLike,
    itemName: TextLike,
    description: TextLike,
    committed: lenient(BooleanLike),
    size: lenient(NumberLike),
    date: z.union([NumberLike, z.string()]).optional().catch(undefined),
  })
  .transform((item, check): UploadItem => {
    const itemId = item.itemID ?? item.itemId;
    if (!itemId) check.addIssue({ code: 'custom', path: ['itemID'], message: 'is missing' });
    const uploadedAt = typeof item.date === 'string' ? Date.parse(item.date) : item.date;
    return {
      itemId: itemId ?? '',
      itemName: item.itemName ?? '',
      isCommitted: item.committed ?? false,
      ...(item.description !== undefined && { description: item.description }),
      ...(item.size !== undefined && { sizeBytes: item.size }),
      ...(uploadedAt !== undefined && !Number.isNaN(uploadedAt) && { uploadedAt }),
    };
  });

/** One page of the documentation shows the id alone in place of the item. */
const UploadAnswer = z.looseObject({ item: z.union([z.string().min(1), UploadItemAnswer]) });
const UploadList = z.looseObject({ items: z.array(UploadItemAnswer) });

export type UploadRequest = {
  /** Asked once per try; chunks of 1 MiB keep it fast. */
  open: () => Readable;
  fileName: string;
  sizeBytes: number;
  /** Comes back in listings, so it tells whose upload this is. */
  description: string;
};

/**
 * Sends a file in one request, which holds no more of it than a chunk.
 *
 * @throws OutcomeUnknownError when the line was cut: look for the description before sending again
 * @see Esri, "Upload Item"
 */
export async function uploadFile(
  site: Site,
  { open, fileName, sizeBytes, description }: UploadRequest,
  { signal, onSent }: CallOptions & { onSent?: (sentBytes: number) => void } = {},
): Promise<UploadItem> {
  const to = `take the upload ${fileName} (${sizeBytes} bytes)`;
  const json = await site.client.upload(
    ['uploads', 'upload'],
    { to, params: { description }, signal },
    { fieldName: 'itemFile', fileName, sizeBytes, open, onSent },
  );
  const { item } = parseAnswer(UploadAnswer, json, { site: site.name, to, kind: 'change' });
  if (typeof item !== 'string') return item;
  return { itemId: item, itemName: fileName, description, isCommitted: true };
}

export async function listUploadItems(
  site: Site,
  { signal }: CallOptions = {},
): Promise<UploadItem[]> {
  const to = 'list its uploads';
  const json = await site.client.read('admin', ['uploads'], { to, signal });
  return parseAnswer(UploadList, json, { site: site.name, to, kind: 'read' }).items;
}

/** The uploads with exactly this description, the newest last. */
export async function findUploadItems(
  site: Site,
  description: string,
  options: CallOptions = {},
): Promise<UploadItem[]> {
  const items = await listUploadItems(site, options);
  return items
    .filter((item) => item.description === description)
    .sort((one, other) => (one.uploadedAt ?? 0) - (other.uploadedAt ?? 0));
}

/** Undefined when there is no such item: a site removes a definition itself once it is published. */
export async function readUploadItem(
  site: Site,
  itemId: string,
  { signal }: CallOptions = {},
): Promise<UploadItem | undefined> {
  const to = `show the upload ${itemId}`;
  try {
    const json = await site.client.read('admin', ['uploads', itemId], { to, signal });
    return parseAnswer(UploadItemAnswer, json, { site: site.name, to, kind: 'read' });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Done also when there is nothing: a site removes a definition itself once it is published. */
export async function deleteUploadItem(
  site: Site,
  item: UploadItem | string,
  { signal }: CallOptions = {},
): Promise<void> {
  const itemId = typeof item === 'string' ? item : item.itemId;
  try {
    const to = `delete the upload ${itemId}`;
    await site.client.change('admin', ['uploads', itemId, 'delete'], { to, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** The configuration inside an uploaded service definition, whole: it is sent back with changes. */
export async function readServiceConfiguration(
  site: Site,
  item: UploadItem | string,
  { signal }: CallOptions = {},
): Promise<JsonObject> {
  const itemId = typeof item === 'string' ? item : item.itemId;
  const to = `show the configuration inside the upload ${itemId}`;
  const path = ['uploads', itemId, 'serviceconfiguration.json'];
  const json = await site.client.read('admin', path, { to, signal });
  return parseAnswer(JsonObject, json, { site: site.name, to, kind: 'read' });
}
