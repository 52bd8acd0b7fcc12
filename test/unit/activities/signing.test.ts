import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { signatureHeaders } from '../../../activities/signing.js';

const newSecret = (): string => `whsec_${randomBytes(24).toString('base64')}`;

const sign = (payload: string, secrets: string[], timestamp = Math.floor(Date.now() / 1_000)) => {
  const [, standard, , bland] = signatureHeaders({
    webhook_id: 'msg_1',
    timestamp,
    body: Buffer.from(payload),
    secrets,
  });
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': standard ?? '',
  };
  return { headers, standard, bland };
};

describe('signatureHeaders', () => {
  it('signs nothing without secrets', () => {
    expect(signatureHeaders({ webhook_id: 'msg_1', timestamp: 1, body: Buffer.from('{}'), secrets: [] })).toEqual([]);
  });

  it('signs as the example of the Standard Webhooks libraries', () => {
    const names = signatureHeaders({
      webhook_id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1614265330,
      body: Buffer.from('{"test": 2432232314}'),
      secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    });
    expect(names.slice(0, 2)).toEqual(['webhook-signature', 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=']);
  });

  it('is verified by the Standard Webhooks library for any payload', () => {
    fc.assert(
      fc.property(fc.json(), fc.uint8Array({ minLength: 24, maxLength: 64 }), (payload, key) => {
        const secret = `whsec_${Buffer.from(key).toString('base64')}`;
        expect(new Webhook(secret).verify(payload, sign(payload, [secret]).headers)).toEqual(JSON.parse(payload));
      }),
    );
  });

  it('signs once for each active secret, in their order', () => {
    const secrets = [newSecret(), newSecret(), newSecret()];
    const { headers, standard } = sign('{"a":"ü"}', secrets);
    expect(standard?.split(' ')).toEqual(secrets.map((secret) => sign('{"a":"ü"}', [secret]).standard));
    for (const secret of secrets) expect(new Webhook(secret).verify('{"a":"ü"}', headers)).toEqual({ a: 'ü' });
  });

  it.each([
    ['another secret', '{"a":1}', newSecret()],
    ['another payload', '{"a":2}', undefined],
  ])('does not verify with %s', (_what, payload, otherSecret) => {
    const secret = newSecret();
    const { headers } = sign('{"a":1}', [secret]);
    expect(() => new Webhook(otherSecret ?? secret).verify(payload, headers)).toThrow(WebhookVerificationError);
  });

  it("keys x-webhook-signature with the newest secret's text, as Bland does", () => {
    const [newest, older] = [newSecret(), newSecret()];
    const payload = '{"name":"Zoë"}';
    const expected = createHmac('sha256', newest).update(payload, 'utf8').digest('hex');
    expect(sign(payload, [newest, older]).bland).toBe(expected);
  });

  it.each(['', 'whsec_'])('refuses to sign with the secret %j, which holds no key', (secret) => {
    expect(() => sign('{}', [secret])).toThrow(new TypeError('a signing secret holds no key'));
  });
});
