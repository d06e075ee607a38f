import { z } from 'zod';
import { BooleanLike, lenient, parseAnswer, TextLike } from './answer-shapes.ts';
import { toSegments, type WholeDataStoreItem } from './data-store-reader.ts';
import type { CallOptions } from './site-client.ts';
import { isNotFound, OutcomeUnknownError, SiteError } from './site-errors.ts';
import type { Site } from './sites.ts';

/** Reading and validating may reach for databases far away. */
const validationMs = 180_000;
/** A new folder may make the site restart system services. */
const registrationMs = 300_000;

const RegisterAnswer = z.looseObject({ success: lenient(BooleanLike), status: TextLike });

/**
 * `exists`: the path is taken, and the stored item stays as it is.
 *
 * @throws OutcomeUnknownError when no whole answer came: look for the path before asking again
 * @see Esri, "Register Data Item"; releases differ in the keys of the answer
 */
export async function registerItem(
  site: Site,
  item: WholeDataStoreItem,
  { signal }: CallOptions = {},
): Promise<'registered' | 'exists'> {
  const to = `register ${item.path}`;
  const params = { item: JSON.stringify(toWritten(item)) };
  const json = await site.client.change('admin', ['data', 'registerItem'], {
    to,
    params,
    timeoutMs: registrationMs,
    signal,
  });
  const answer = parseAnswer(RegisterAnswer, json, { site: site.name, to, kind: 'change' });
  const status = answer.status?.toLowerCase();
  if (status === 'exists') return 'exists';
  if (answer.success === true || status === 'success') return 'registered';
  throw new OutcomeUnknownError(`${site.name} was asked to ${to} and said neither yes nor no.`, {
    site: site.name,
    answerExcerpt: JSON.stringify(json).slice(0, 500),
  });
}

/** Writes the whole item; the same once more changes nothing. @see Esri, "Edit Data Item" */
export async function editItem(
  site: Site,
  item: WholeDataStoreItem,
  { signal }: CallOptions = {},
): Promise<void> {
  await site.client.change('admin', ['data', 'items', ...toSegments(item.path), 'edit'], {
    to: `change ${item.path}`,
    params: { item: JSON.stringify(toWritten(item)) },
    timeoutMs: registrationMs,
    signal,
  });
}

/** Without what the site counts by itself and only shows. */
function toWritten({ totalRefCount: _counted, ...written }: WholeDataStoreItem) {
  return written;
}

/**
 * Done also when there is nothing. Sites since 10.4 ask for `force`; the name of the parameter differs by
 * document and client, so both are sent.
 *
 * @see Esri, "Unregister Data Item"
 */
export async function unregisterItem(
  site: Site,
  path: string,
  { signal }: CallOptions = {},
): Promise<void> {
  try {
    await site.client.change('admin', ['data', 'unregisterItem'], {
      to: `unregister ${path}`,
      params: { itempath: path, itemPath: path, force: true },
      timeoutMs: registrationMs,
      signal,
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

export type ItemValidation = {
  isValid: boolean;
  /** The site's own words; none when it is valid. */
  messages: string[];
};

/**
 * Whether the site can use an item, registered or not. A no is an answer, not a failure.
 *
 * @throws SiteFailure when the site could not be asked
 * @see Esri, "Validate Data Item"; how a failure looks is not verified
 */
export async function validateItem(
  site: Site,
  item: WholeDataStoreItem,
  { signal }: CallOptions = {},
): Promise<ItemValidation> {
  try {
    const json = await site.client.read('admin', ['data', 'validateDataItem'], {
      to: `validate ${item.path}`,
      params: { item: JSON.stringify(item) },
      timeoutMs: validationMs,
      signal,
    });
    return toValidation(json);
  } catch (error) {
    const isNo = error instanceof SiteError && error.httpStatus !== undefined;
    const isAboutUs = isNo && (error.siteCode === 498 || error.siteCode === 499);
    if (!isNo || isAboutUs || error.siteMessages.length === 0) throw error;
    return { isValid: false, messages: error.siteMessages };
  }
}

const ValidationAnswer = z.looseObject({
  success: lenient(BooleanLike),
  status: TextLike,
  messages: lenient(z.array(z.string())),
});

/** Some releases may say it in the body of a yes. */
function toValidation(json: unknown): ItemValidation {
  const { data } = ValidationAnswer.safeParse(json);
  const isValid = data?.success === true || /^success$/i.test(data?.status ?? '');
  if (isValid) return { isValid, messages: [] };
  return { isValid, messages: data?.messages ?? ['The site did not say that the item is valid.'] };
}
