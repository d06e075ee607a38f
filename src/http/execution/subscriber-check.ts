import type { Subscriber } from '../../jobs/subscriber.ts';
import type { EgressPolicy } from '../../lib/egress-policy.ts';
import { RequestError } from '../../lib/errors.ts';
import { toPointer } from '../../lib/json-pointer.ts';
import { findAddressFault } from '../caller-address.ts';

/** @throws RequestError validation_error naming each address that may not be called */
export async function checkSubscriber(subscriber: Subscriber, egress: EgressPolicy): Promise<void> {
  const named = Object.entries(subscriber).filter(([, url]) => url !== undefined);
  const found = await Promise.all(
    named.map(([member, url]) =>
      findAddressFault(String(url), toPointer(['subscriber', member]), egress),
    ),
  );
  const errors = found.filter((fault) => fault !== undefined);
  if (errors.length === 0) return;
  throw new RequestError(
    'validation_error',
    'The subscriber names addresses that may not be called.',
    {
      errors,
    },
  );
}
