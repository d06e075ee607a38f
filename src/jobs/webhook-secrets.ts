import { randomBytes } from 'node:crypto';
import type { Sealing, SealPurpose } from '../lib/sealing.ts';

const secretBytes = 32;

/** A symmetric secret as Standard Webhooks writes it: `whsec_` and base64 of 24 to 64 bytes. */
function toSecret(bytes: Buffer): string {
  return `whsec_${bytes.toString('base64')}`;
}

export function createWebhookSecret(): string {
  return toSecret(randomBytes(secretBytes));
}

/** What the sealed secrets of an endpoint are bound to. */
export function secretOfEndpoint(endpointId: string): SealPurpose {
  return { purpose: 'webhook-endpoint-secret', recordId: endpointId };
}

/**
 * Secrets that callbacks of an owner's jobs are signed with, the current one first: it follows from the
 * sealing key, so a change of that key changes it, and old keys go on signing beside it.
 */
export function deriveSubscriberSecrets(sealing: Sealing, owner: string): string[] {
  return sealing.derive({ purpose: 'subscriber-secret', recordId: owner }).map(toSecret);
}
