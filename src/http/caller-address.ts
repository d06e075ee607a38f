import { checkDestination } from '../lib/egress.ts';
import { DestinationNotAllowedError, type EgressPolicy } from '../lib/egress-policy.ts';
import { RequestError, type RequestFault } from '../lib/errors.ts';

/** The fault of an address that a caller named, if it has one: always in the same words. */
export async function findAddressFault(
  url: string,
  pointer: string,
  egress: EgressPolicy,
): Promise<RequestFault | undefined> {
  try {
    await checkDestination(url, egress);
    return undefined;
  } catch (error) {
    if (!(error instanceof DestinationNotAllowedError)) throw error;
    return { pointer, code: error.code, detail: error.message };
  }
}

/** @throws RequestError destination_not_allowed */
export async function checkAddress(
  url: string,
  pointer: string,
  egress: EgressPolicy,
): Promise<void> {
  const fault = await findAddressFault(url, pointer, egress);
  if (fault) throw new RequestError('destination_not_allowed', fault.detail, { errors: [fault] });
}
