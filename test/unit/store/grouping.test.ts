import { expect, onTestFinished, test, vi } from 'vitest';
import { grouped } from '../../../store/grouping.js';

/** A `run` whose groups end when the test says so. */
function controlled() {
  const groups: { requests: number[]; end: () => void }[] = [];
  const run = (requests: readonly { n: number }[]) =>
    new Promise<number[]>((resolve) => {
      const numbers = requests.map(({ n }) => n);
      groups.push({ requests: numbers, end: () => resolve(numbers.map((n) => n * 2)) });
    });
  const sizes = () => groups.map(({ requests }) => requests.length);
  return { groups, run, sizes };
}

/** Ends so many groups, each as soon as it is under way. */
async function endEach(groups: { end: () => void }[], count: number): Promise<void> {
  for (let ended = 0; ended < count; ended++) {
    await expect.poll(() => groups[ended]).toBeDefined();
    groups[ended]?.end();
  }
}

const turn = () => new Promise(setImmediate);
/** A turn that brings something, and one that brings nothing more. */
const quiet = async () => {
  await turn();
  await turn();
};

test('what arrives while a group is under way shares the next one', async () => {
  const { groups, run } = controlled();
  const double = grouped(run, { concurrency: 1 });
  const first = double({ n: 1 });
  await quiet();
  const others = [2, 3, 4].map((n) => double({ n }));
  await quiet();
  expect(groups.map(({ requests }) => requests)).toEqual([[1]]);
  groups[0]?.end();
  expect(await first).toBe(2);
  await quiet();
  expect(groups.map(({ requests }) => requests)).toEqual([[1], [2, 3, 4]]);
  groups[1]?.end();
  expect(await Promise.all(others)).toEqual([4, 6, 8]);
});

test('an idle system starts after a turn of the event loop that brings nothing more', async () => {
  const { sizes, run } = controlled();
  void grouped(run, { concurrency: 1 })({ n: 1 });
  await quiet();
  expect(sizes()).toEqual([1]);
});

test('what comes turn by turn shares a group, until a turn brings nothing', async () => {
  const { groups, run } = controlled();
  const double = grouped(run, { concurrency: 1 });
  for (const n of [1, 2, 3]) {
    void double({ n });
    await turn();
  }
  await quiet();
  expect(groups.map(({ requests }) => requests)).toEqual([[1, 2, 3]]);
});

test('what comes turn by turn without an end is served once there is enough of it', async () => {
  const { groups, run } = controlled();
  const double = grouped(run, { concurrency: 1 });
  for (let n = 0; n < 100; n += 1) {
    void double({ n });
    await turn();
  }
  expect(groups.length).toBe(1);
  expect(groups[0]?.requests.length).toBeLessThanOrEqual(50);
});

test('a request does not wait long for others that come turn by turn', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { groups, run } = controlled();
  const double = grouped(run, { concurrency: 1 });
  for (let n = 0; n < 10; n += 1) {
    void double({ n });
    await turn();
    vi.advanceTimersByTime(4);
  }
  expect(groups[0]?.requests).toEqual([0, 1, 2, 3]);
});

test('no group exceeds its size, and no more than so many are under way', async () => {
  const { groups, sizes, run } = controlled();
  const double = grouped(run, { concurrency: 2, maxSize: 3 });
  const answers = Promise.all([...Array(10).keys()].map((n) => double({ n })));
  await quiet();
  expect(sizes()).toEqual([3, 3]);
  await endEach(groups, 4);
  expect(await answers).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  expect(sizes()).toEqual([3, 3, 3, 1]);
});

test('no group weighs more than a megabyte, unless it is one request alone', async () => {
  const { groups, sizes, run } = controlled();
  const double = grouped(run, { concurrency: 1, bytesOf: ({ n }) => n });
  const weights = [3_000_000, 400_000, 400_000, 400_000, 0, 0, 2_000_000];
  const answers = Promise.all(weights.map((n) => double({ n })));
  await endEach(groups, 4);
  expect(await answers).toEqual(weights.map((n) => n * 2));
  expect(sizes()).toEqual([1, 2, 3, 1]);
});

test('an error as an answer rejects its own request alone', async () => {
  const run = async (requests: readonly { n: number }[]) => requests.map(({ n }) => (n === 2 ? new Error('two') : n));
  const request = grouped(run, { concurrency: 1 });
  const results = await Promise.allSettled([1, 2, 3].map((n) => request({ n })));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('a group that fails does not stop the next one', async () => {
  let broken = true;
  const run = async (requests: readonly { n: number }[]) => {
    if (broken) throw new Error('away');
    return requests.map(({ n }) => n);
  };
  const request = grouped(run, { concurrency: 1 });
  await expect(request({ n: 1 })).rejects.toThrow('away');
  broken = false;
  expect(await request({ n: 2 })).toBe(2);
});

test('a group is bounded by bytes as well, and one request that weighs more goes alone', async () => {
  const { groups, sizes, run } = controlled();
  const double = grouped(run, { concurrency: 1, bytesOf: ({ n }) => n * 100_000 });
  const answers = Promise.all([5, 4, 3, 20, 1, 1].map((n) => double({ n })));
  await endEach(groups, 4);
  expect(await answers).toEqual([10, 8, 6, 40, 2, 2]);
  expect(sizes()).toEqual([2, 1, 1, 2]);
});
