import { expect, test } from 'vitest';
import { attempted, describeStores, register, unique } from '../../support/stores.js';

describeStores('reading webhooks at the same time', (harness) => {
  test('answers each for itself, be it there, missing, too large to share or asked for twice', async () => {
    const { store } = harness();
    const sizes = [10, 3_000_000, 10, 3_000_000, 5_000_000, 10];
    const texts = sizes.map((size) => JSON.stringify({ filler: 'x'.repeat(size) }));
    const registered = await Promise.all(texts.map(() => register(store)));
    for (const [index, { ref }] of registered.entries()) {
      await store.storePayload({ ...ref, payload: texts[index] ?? '' });
    }
    await Promise.all(registered.map(({ ref }) => attempted(store, ref)));
    const [first] = registered;
    const stranger = { user_id: unique('user'), call_id: first?.ref.call_id ?? '' };
    const asked = [stranger, ...registered.map(({ ref }) => ref), ...registered.map(({ ref }) => ref)];
    const answers = await Promise.all(asked.map(({ user_id, call_id }) => store.getWebhook(user_id, call_id)));
    expect(answers[0]).toBeUndefined();
    for (const [index, { ref }] of [...registered, ...registered].entries()) {
      const found = answers[index + 1];
      expect(found).toMatchObject({ call_id: ref.call_id, user_id: ref.user_id, batch_id: ref.batch_id });
      expect(found?.payload === texts[index % texts.length]).toBe(true);
      expect(found?.metadata).toHaveLength(1);
    }
  });
});
