import { Webhook } from 'standardwebhooks';

/**
 * Headers of one attempt after Standard Webhooks 1.0.0. The id is the same on every attempt, time and
 * signatures are new ones.
 *
 * @param secrets `whsec_…`; each one signs, so that receivers may change from one to the next
 */
export function signDelivery(
  { deliveryId, body, secrets }: { deliveryId: string; body: Buffer; secrets: string[] },
  at = new Date(),
): Record<string, string> {
  return {
    'webhook-id': deliveryId,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': secrets
      .map((secret) => new Webhook(secret).sign(deliveryId, at, body))
      .join(' '),
  };
}
