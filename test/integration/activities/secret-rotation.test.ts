import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../../store/index.js';
import { registerDelivery, startProcess } from '../../support/activities.js';
import { openScratchStore } from '../../support/pglite-template.js';
import { type ReceivedRequest, Receiver } from '../../support/receiver.js';
import { unique } from '../../support/stores.js';

let store: Store;
beforeAll(async () => {
  store = await openScratchStore();
});
afterAll(() => store.close());

/** As a receiver sees a request who knows one secret. */
function seenWith(secret: string, { headers, body }: ReceivedRequest): { standard: boolean; bland: boolean } {
  const bland = createHmac('sha256', secret).update(body).digest('hex') === headers['x-webhook-signature'];
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return { standard: true, bland };
  } catch {
    return { standard: false, bland };
  }
}

test('a rotation is seamless for both headers, also at the moment at which the new secret becomes active', async () => {
  await using receiver = await Receiver.start();
  const worker = startProcess({ store });
  const user_id = unique('user');
  /** Sends one webhook, and tells by which secrets both headers were signed. */
  const deliver = async () => {
    const input = await registerDelivery(store, { webhook_url: receiver.url, user_id });
    expect(await worker.deliver(input)).toMatchObject({ kind: 'delivered' });
    const webhook = await store.getWebhook(user_id, input.call_id);
    const request = receiver.requests.at(-1) as ReceivedRequest;
    return { sentAt: webhook?.metadata[0]?.sent_at ?? '', ...signers(request) };
  };
  const old = await store.createSigningSecret(user_id);
  const next = await store.createSigningSecret(user_id, { activate_in_ms: 1_500 });
  const signers = (request: ReceivedRequest) => {
    const [byOld, byNew] = [seenWith(old.secret, request), seenWith(next.secret, request)];
    return { standard: [byOld.standard, byNew.standard], bland: [byOld.bland, byNew.bland] };
  };

  const sent = [await deliver()];
  const hasSwitched = async () => {
    sent.push(await deliver());
    return sent.at(-1)?.bland[1];
  };
  await expect.poll(hasSwitched, { timeout: 20_000, interval: 20 }).toBe(true);
  for (const { sentAt, standard, bland } of sent) {
    const isActive = sentAt >= next.activates_at;
    // Who knows the old secret alone verifies the standard header, who knows both verifies either header: at any moment.
    expect(standard).toEqual([true, isActive]);
    expect(bland).toEqual([!isActive, isActive]);
  }
  expect(new Set(sent.map(({ bland }) => bland[0]))).toEqual(new Set([true, false]));

  await store.revokeSigningSecret(old.id);
  expect(await deliver()).toMatchObject({ standard: [false, true], bland: [false, true] });
});

test('of several secrets the one that became active last signs x-webhook-signature', async () => {
  await using receiver = await Receiver.start();
  const user_id = unique('user');
  await store.createSigningSecret(user_id, { activate_in_ms: 3_600_000 });
  const first = await store.createSigningSecret(user_id);
  const last = await store.createSigningSecret(user_id);
  await startProcess({ store }).deliver(await registerDelivery(store, { webhook_url: receiver.url, user_id }));
  const [request] = receiver.requests as [ReceivedRequest];
  expect(seenWith(last.secret, request)).toEqual({ standard: true, bland: true });
  expect(seenWith(first.secret, request)).toEqual({ standard: true, bland: false });
});
