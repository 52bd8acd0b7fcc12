import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type BatchStart, createStart } from '../../../client/batch-start.js';
import { ServiceRefusedError, ServiceUnavailableError } from '../../../client/errors/index.js';
import { GroupedStarts, type GroupingOptions } from '../../../client/grouped-starts.js';

const startOf = (name: string, calls = 1): BatchStart =>
  createStart({
    user_id: 'u-1',
    call_ids: Array.from({ length: calls }, (_, index) => `${name}-${index}`),
    webhook_url: 'https://example.com/',
  });

const nameOf = ({ request }: BatchStart): string => request.call_ids[0] ?? '';

/** A service whose answers come when the test lets them. */
class HeldService {
  readonly groups: string[][] = [];
  #answers: ((error?: Error) => void)[] = [];

  readonly start = (group: readonly BatchStart[]): Promise<string[]> => {
    const names = group.map(nameOf);
    this.groups.push(names);
    return new Promise((resolve, reject) => {
      this.#answers.push((error) => (error ? reject(error) : resolve(names)));
    });
  };

  /** Answers the start that came first. */
  answer(error?: Error): void {
    this.#answers.shift()?.(error);
  }
}

function held(options?: GroupingOptions) {
  const service = new HeldService();
  return { service, grouped: new GroupedStarts(service.start, options) };
}

const tooLarge = () => new ServiceRefusedError('too large', { forContent: true });

describe('small requests', () => {
  test('of one turn share the first start, and those that come meanwhile share the next', async () => {
    const { service, grouped } = held();
    const first = ['a', 'b'].map((name) => grouped.start(startOf(name)));
    await expect.poll(() => service.groups).toEqual([['a-0', 'b-0']]);
    const second = ['c', 'd', 'e'].map((name) => grouped.start(startOf(name)));
    service.answer();
    expect(await Promise.all(first)).toEqual(['a-0', 'b-0']);
    await expect
      .poll(() => service.groups)
      .toEqual([
        ['a-0', 'b-0'],
        ['c-0', 'd-0', 'e-0'],
      ]);
    service.answer();
    expect(await Promise.all(second)).toEqual(['c-0', 'd-0', 'e-0']);
  });

  test('one after another are each started at once', async () => {
    const { service, grouped } = held({ interval_ms: 1_000 });
    for (const name of ['a', 'b', 'c']) {
      const started = grouped.start(startOf(name));
      await expect.poll(() => service.groups.length, { timeout: 900 }).toBe('abc'.indexOf(name) + 1);
      service.answer();
      expect(await started).toBe(`${name}-0`);
    }
    expect(service.groups).toEqual([['a-0'], ['b-0'], ['c-0']]);
  });

  test('under load wait for the interval, and the closing of the client ends the wait', async () => {
    const { service, grouped } = held({ interval_ms: 1_000 });
    const first = [grouped.start(startOf('a')), grouped.start(startOf('b'))];
    await expect.poll(() => service.groups.length).toBe(1);
    service.answer();
    await Promise.all(first);
    const late = grouped.start(startOf('c'));
    await expect.poll(() => service.groups.length).toBe(1);
    const closed = grouped.close();
    await expect.poll(() => service.groups.length, { timeout: 900 }).toBe(2);
    service.answer();
    expect(await late).toBe('c-0');
    await closed;
    await expect(grouped.start(startOf('d'))).rejects.toThrow('the client was closed');
  });

  test('make groups of at most so many calls and 512 kB', async () => {
    const { service, grouped } = held({ max_calls: 10, interval_ms: 0 });
    const starts = [startOf('a', 4), startOf('b', 4), startOf('c', 4), startOf('d', 6)];
    const large = { ...startOf('e'), bytes: 300_000 };
    const all = [...starts, large, { ...large }].map((start) => grouped.start(start));
    for (let group = 1; group <= 4; group += 1) {
      await expect.poll(() => service.groups.length).toBe(group);
      service.answer();
    }
    await Promise.all(all);
    expect(service.groups).toEqual([['a-0', 'b-0'], ['c-0', 'd-0'], ['e-0'], ['e-0']]);
  });

  test('are those of up to ten calls without an idempotency key', () => {
    const { grouped } = held();
    expect(grouped.takes(startOf('a', 10))).toBe(true);
    expect(grouped.takes(startOf('a', 11))).toBe(false);
    const keyed = createStart({
      user_id: 'u',
      call_ids: ['c'],
      webhook_url: 'https://a.example/',
      idempotency_key: 'k',
    });
    expect(grouped.takes(keyed)).toBe(false);
  });
});

test('a start that fails is the failure of each of its requests, and of no other', async () => {
  const { service, grouped } = held({ interval_ms: 0 });
  const lost = ['a', 'b'].map((name) => grouped.start(startOf(name)));
  await expect.poll(() => service.groups.length).toBe(1);
  const next = grouped.start(startOf('c'));
  service.answer(new ServiceUnavailableError('away'));
  for (const outcome of await Promise.allSettled(lost)) expect(outcome).toMatchObject({ status: 'rejected' });
  await expect.poll(() => service.groups.length).toBe(2);
  service.answer();
  expect(await next).toBe('c-0');
});

test('requests that come while a start hangs are refused at once when it has hung for longer than they may wait', async () => {
  const { service, grouped } = held({ interval_ms: 0, max_calls: 1 });
  const stuck = grouped.start(startOf('a'));
  await expect.poll(() => service.groups.length).toBe(1);
  const waiting = grouped.start(startOf('b'));
  await expect(waiting).rejects.toThrow(ServiceUnavailableError);
  await expect(grouped.start(startOf('c'))).rejects.toThrow(/requests wait for their start/);
  service.answer();
  expect(await stuck).toBe('a-0');
  expect(service.groups).toEqual([['a-0']]);
});

test('more requests than can be started in time are refused at once, and those before them are started', async () => {
  const { service, grouped } = held({ interval_ms: 1_000, max_calls: 1 });
  const outcomes = Promise.allSettled(Array.from({ length: 10 }, (_, index) => grouped.start(startOf(`${index}`))));
  void grouped.close();
  for (let group = 1; group <= 4; group += 1) {
    await expect.poll(() => service.groups.length).toBe(group);
    service.answer();
  }
  const refused = (await outcomes).map(({ status }) => status === 'rejected');
  expect(refused).toEqual(Array.from({ length: 10 }, (_, index) => index >= 4));
});

test.each<[string, GroupingOptions]>([
  ['an interval below 0', { interval_ms: -1 }],
  ['an interval above a second', { interval_ms: 1_001 }],
  ['no calls', { max_calls: 0 }],
  ['more than 500 calls', { max_calls: 501 }],
  ['no number', { max_calls: Number.NaN }],
])('grouping with %s is refused', (_, options) => {
  expect(() => held(options)).toThrow(RangeError);
});

test('whatever the service refuses, every request is answered for itself, once, and good ones are started', async () => {
  // Time stands still: on a busy machine starts would seem to take long, and be refused for that.
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const request = fc.record({ calls: fc.integer({ min: 1, max: 10 }), isBad: fc.boolean(), turn: fc.nat({ max: 3 }) });
  const property = fc.asyncProperty(
    fc.array(request, { maxLength: 60 }),
    fc.integer({ min: 1, max: 40 }),
    async (requests, maxCalls) => {
      const started: string[] = [];
      const bad = new Set(requests.flatMap(({ isBad }, index) => (isBad ? [`${index}-0`] : [])));
      const service = async (group: readonly BatchStart[]) => {
        await Promise.resolve();
        const calls = group.reduce((sum, start) => sum + start.request.call_ids.length, 0);
        expect(group.length === 1 || calls <= maxCalls).toBe(true);
        const names = group.map(nameOf);
        if (names.some((name) => bad.has(name))) throw tooLarge();
        started.push(...names);
        return names;
      };
      const grouped = new GroupedStarts(service, { interval_ms: 0, max_calls: maxCalls });
      const outcomes = requests.map(async ({ calls, turn }, index) => {
        for (let waited = 0; waited < turn; waited += 1) await Promise.resolve();
        return grouped.start(startOf(`${index}`, calls));
      });
      const answers = await Promise.allSettled(outcomes);
      await grouped.close();
      for (const [index, answer] of answers.entries()) {
        if (bad.has(`${index}-0`)) expect(answer).toMatchObject({ status: 'rejected', reason: { forContent: true } });
        else expect(answer).toEqual({ status: 'fulfilled', value: `${index}-0` });
      }
      expect(started.length).toBe(new Set(started).size);
      expect(started.length).toBe(requests.length - bad.size);
    },
  );
  await fc.assert(property, { numRuns: 200 });
});
