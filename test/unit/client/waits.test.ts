import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { Waits } from '../../../client/waits.js';

const never = new Promise<never>(() => undefined);

test('a wait ends as its work does', async () => {
  const waits = new Waits();
  expect(await waits.for(Promise.resolve(7))).toBe(7);
  await expect(waits.for(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
});

test('a wait ends with the reason of its signal, also of one that is aborted already', async () => {
  const controller = new AbortController();
  const waiting = new Waits().for(never, controller.signal);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(new Waits().sleep(3_600_000, controller.signal)).rejects.toThrow('enough');
});

test('the end of all waits is the end of those to come', async () => {
  const waits = new Waits();
  const waiting = [waits.for(never), waits.sleep(3_600_000)];
  waits.end(new Error('closed'));
  for (const wait of waiting) await expect(wait).rejects.toThrow('closed');
  await expect(waits.for(Promise.resolve(7))).rejects.toThrow('closed');
});

test('a signal that outlives its waits keeps nothing of them', async () => {
  const { signal } = new AbortController();
  const waits = new Waits();
  for (let round = 0; round < 100; round += 1) {
    await waits.for(Promise.resolve(round), signal);
    await waits.sleep(0, signal);
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('many waits on one signal listen to it once, each ends for itself, and the last one leaves nothing behind', async () => {
  const waits = new Waits();
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error('enough');
  let answer: (value: number) => void = () => undefined;
  const first = new Promise<number>((resolve) => {
    answer = resolve;
  });
  const waiting = [first, ...new Array<Promise<number>>(20).fill(never)].map((work) => waits.for(work, signal));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  answer(7);
  expect(await waiting[0]).toBe(7);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  controller.abort(reason);
  for (const wait of waiting.slice(1)) await expect(wait).rejects.toBe(reason);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
