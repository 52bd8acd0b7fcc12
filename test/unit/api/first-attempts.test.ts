import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { FirstAttemptsWaits } from '../../../api/answers/first-attempts.js';
import { type FirstAttempts, StoreUnavailableError } from '../../../store/index.js';

/** What a store says of first attempts, and what it was asked. */
class Attempts {
  readonly made = new Map<string, FirstAttempts>();
  readonly asked: string[][] = [];
  error: Error | undefined;
  held: Promise<void> | undefined;

  async firstAttemptsMade(batchIds: readonly string[]): Promise<FirstAttempts[]> {
    this.asked.push([...batchIds]);
    await this.held;
    if (this.error) throw this.error;
    return batchIds.flatMap((id) => this.made.get(id) ?? []);
  }
}

function watch() {
  const store = new Attempts();
  const watching = new FirstAttemptsWaits(store, pino({ level: 'silent' }));
  onTestFinished(() => watching.close());
  return { store, watching };
}

const made = (batch_id: string): FirstAttempts => ({ batch_id, rejected: [] });

test('each wait ends with what the store says of its batch, and two waits for one batch with the same', async () => {
  const { store, watching } = watch();
  const waits = ['b_1.0', 'b_2.0', 'b_2.0'].map((id) => watching.wait(id, 60_000).made);
  const rejected: FirstAttempts = { batch_id: 'b_1.0', rejected: [{ call_id: 'c', error: 'CallNotFound' }] };
  store.made.set('b_1.0', rejected);
  expect(await waits[0]).toEqual(rejected);
  store.made.set('b_2.0', made('b_2.0'));
  expect(await Promise.all(waits)).toEqual([rejected, made('b_2.0'), made('b_2.0')]);
});

test('all who wait share one statement at a time', async () => {
  const { store, watching } = watch();
  let release = (): void => undefined;
  store.held = new Promise((resolve) => {
    release = resolve;
  });
  const ids = Array.from({ length: 100 }, (_, index) => `b_${index}.0`);
  const waits = ids.map((id) => watching.wait(id, 60_000).made);
  await expect.poll(() => store.asked.length).toBe(1);
  const late = watching.wait('b_late.0', 60_000).made;
  for (const id of [...ids, 'b_late.0']) store.made.set(id, made(id));
  release();
  await Promise.all([...waits, late]);
  // On a busy machine some come too late for the first statement, as the last one does.
  expect(store.asked.flat()).toEqual([...ids, 'b_late.0']);
  expect(store.asked.length).toBeLessThanOrEqual(3);
});

test('a wait ends with nothing at its time, also while the store does not answer', async () => {
  const { store, watching } = watch();
  store.held = new Promise(() => undefined);
  expect(await watching.wait('b_1.0', 100).made).toBeUndefined();
  expect(await watching.wait('b_2.0', 0).made).toBeUndefined();
});

test('a store that is away is asked again', async () => {
  const { store, watching } = watch();
  store.error = new StoreUnavailableError('away');
  const wait = watching.wait('b_1.0', 60_000).made;
  await expect.poll(() => store.asked.length).toBeGreaterThan(1);
  store.error = undefined;
  store.made.set('b_1.0', made('b_1.0'));
  expect(await wait).toEqual(made('b_1.0'));
});

test('who gives up waits no more, and others go on', async () => {
  const { store, watching } = watch();
  const [gone, staying] = [watching.wait('b_1.0', 60_000), watching.wait('b_1.0', 60_000)];
  gone.giveUp();
  expect(await gone.made).toBeUndefined();
  store.made.set('b_1.0', made('b_1.0'));
  expect(await staying.made).toEqual(made('b_1.0'));
});

test('nothing is asked when nobody waits', async () => {
  const { store, watching } = watch();
  store.made.set('b_1.0', made('b_1.0'));
  await watching.wait('b_1.0', 60_000).made;
  const before = store.asked.length;
  await watching.wait('b_2.0', 100).made;
  await expect.poll(() => store.asked.slice(before).flat()).not.toContain('b_1.0');
});

test('closing ends all waits, those to come included', async () => {
  const { watching } = watch();
  const wait = watching.wait('b_1.0', 60_000).made;
  watching.close();
  expect(await wait).toBeUndefined();
  expect(await watching.wait('b_1.0', 60_000).made).toBeUndefined();
});
