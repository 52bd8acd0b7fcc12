import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type SupervisedPart, Supervisor } from '../../../dev/supervisor.js';

/** A part that works, is silent, hangs or ends, as the test says. */
class Fake {
  answer: () => Promise<boolean> = async () => true;
  end: (how: string) => void = () => undefined;
  isDiscarded = false;
  readonly ended = new Promise<string>((resolve) => {
    this.end = resolve;
  });
}

/** A supervisor over fakes, and what it has logged. */
async function supervised(options: { start?: (count: number) => Promise<Fake>; patienceMs?: number } = {}) {
  const started: Fake[] = [];
  let starts = 0;
  const part: SupervisedPart<Fake> = {
    name: 'The fake',
    silence: 'has not answered',
    patienceMs: options.patienceMs ?? 20,
    start: async () => {
      starts += 1;
      const fake = options.start ? await options.start(starts) : new Fake();
      started.push(fake);
      return fake;
    },
    works: (fake) => fake.answer(),
    ended: (fake) => fake.ended,
    discard: async (fake) => {
      fake.isDiscarded = true;
    },
  };
  const errors: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line) => void errors.push(JSON.parse(line).msg) });
  const supervisor = await Supervisor.start(part, { logger, intervalMs: 2, pauseMs: 2 });
  onTestFinished(() => void supervisor.release());
  return { supervisor, started, errors };
}

const last = <T>(list: readonly T[]): T => list.at(-1) as T;

describe('a supervised part', () => {
  test('that works is left alone', async () => {
    let asked = 0;
    const { supervisor, started, errors } = await supervised();
    last(started).answer = async () => {
      asked += 1;
      return true;
    };
    await expect.poll(() => asked).toBeGreaterThan(20);
    expect(started).toHaveLength(1);
    expect(errors).toEqual([]);
    expect(await supervisor.release()).toBe(started[0]);
    expect(started[0]?.isDiscarded).toBe(false);
  });

  test.each<[string, () => Promise<boolean>]>([
    ['that does not answer', () => new Promise(() => undefined)],
    ['that answers with an error', async () => Promise.reject(new Error('interrupted (9)'))],
    ['that says it does not work', async () => false],
  ])('%s is started again, with an error that says so', async (_, answer) => {
    const { supervisor, started, errors } = await supervised();
    last(started).answer = answer;
    await expect.poll(() => started.length).toBe(2);
    expect(started[0]?.isDiscarded).toBe(true);
    expect(errors).toEqual([expect.stringMatching(/^The fake has not answered for \d+ s: it is started again$/)]);
    expect(await supervisor.release()).toBe(started[1]);
  });

  test('that is silent for a moment is left alone', async () => {
    const { started, errors } = await supervised({ patienceMs: 60_000 });
    let silent = 0;
    last(started).answer = async () => {
      silent += 1;
      return silent > 10;
    };
    await expect.poll(() => silent).toBeGreaterThan(20);
    expect(started).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  test('that has ended is started again', async () => {
    const { started, errors } = await supervised();
    last(started).end('has ended (SIGKILL)');
    await expect.poll(() => started.length).toBe(2);
    expect(errors).toEqual(['The fake has ended (SIGKILL): it is started again']);
  });

  test('whose start fails is started once more', async () => {
    const { supervisor, started, errors } = await supervised({
      start: async (count) => (count === 2 ? Promise.reject(new Error('port in use')) : new Fake()),
    });
    last(started).end('has ended (1)');
    await expect.poll(() => started.length).toBe(2);
    expect(errors).toEqual([
      'The fake has ended (1): it is started again',
      'The fake could not be started (port in use): it is started again',
    ]);
    expect(await supervisor.release()).toBe(started[1]);
  });

  test('that ends again and again has failed', async () => {
    const { supervisor, started } = await supervised({
      start: async () => {
        const fake = new Fake();
        fake.end('has ended (1)');
        return fake;
      },
    });
    expect(await supervisor.failed).toMatchObject({
      code: 'RESTARTS_EXHAUSTED',
      message: 'The fake has ended (1), and 5 restarts have not helped.',
    });
    expect(started).toHaveLength(6);
  });

  test('that is released while it is being started again is not left running', async () => {
    let letStart: (fake: Fake) => void = () => undefined;
    const { supervisor, started } = await supervised({
      start: (count) =>
        count === 1
          ? Promise.resolve(new Fake())
          : new Promise((resolve) => {
              letStart = resolve;
            }),
    });
    last(started).end('has ended (1)');
    await expect.poll(() => started[0]?.isDiscarded).toBe(true);
    const released = supervisor.release();
    const late = new Fake();
    letStart(late);
    expect(await released).toBe(late);
  });
});

test('a part that cannot be started at first is its owner’s to hear of', async () => {
  const start = () => supervised({ start: () => Promise.reject(new Error('no such binary')) });
  await expect(start()).rejects.toThrow('no such binary');
});
