import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { signDelivery } from './sign-delivery.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const other = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';

test('signs as the published example does', () => {
  const headers = signDelivery(
    {
      deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      body: Buffer.from('{"test": 2432232314}'),
      secrets: [secret],
    },
    new Date(1_614_265_330_000),
  );
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('with two secrets either one verifies, and bytes beyond ASCII are signed as they are', () => {
  const body = Buffer.from(JSON.stringify({ reference: 'Straße 🛣' }));
  const headers = signDelivery({ deliveryId: 'one', body, secrets: [secret, other] });
  for (const each of [secret, other]) {
    expect(new Webhook(each).verify(body, headers)).toEqual({ reference: 'Straße 🛣' });
  }
  const changed = Buffer.from(body.toString().replace('ß', 'ss'));
  expect(() => new Webhook(secret).verify(changed, headers)).toThrow('No matching signature');
  expect(() => new Webhook(secret).verify(body, { ...headers, 'webhook-id': 'two' })).toThrow(
    'No matching signature',
  );
});
