import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { follow, progressLine, progressTable, resultText } from '../../../../client/cli/follow.js';
import { Output } from '../../../../client/cli/output.js';
import { Session } from '../../../../client/cli/session.js';
import { loadConfig } from '../../../../config/index.js';
import type { BatchResult, Progress } from '../../../../contract/index.js';

const running: Progress = {
  batch_id: 'b_1',
  status: 'running',
  total: 4,
  delivered: 1,
  retrying: 1,
  failed: 1,
  rejected: 0,
  canceled: 0,
  pending: 1,
  endpoints: [],
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: null,
};
const whole: Progress = {
  ...running,
  status: 'completed',
  delivered: 4,
  retrying: 0,
  failed: 0,
  pending: 0,
  finished_at: '2026-01-01T00:01:00.000Z',
};
const partial: Progress = { ...whole, delivered: 3, failed: 1 };

/** Follows a batch with these progresses on such an output. */
async function followed(progresses: Progress[], { isTTY, json }: { isTTY: boolean; json: boolean }) {
  const stdout = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY, columns: 120 });
  const session = new Session(loadConfig({}), new Output({ stdout, stderr: stdout }, json), new PassThrough());
  const batch = {
    async *watch() {
      yield* progresses;
    },
  };
  await follow(batch, session);
  return { text: String(stdout.read()), exitCode: session.exitCode };
}

test('elsewhere than in a terminal each change is a line', async () => {
  const { text, exitCode } = await followed([running, whole], { isTTY: false, json: false });
  expect(text).toBe(
    'running: 2/4 settled: 1 delivered, 1 retrying, 1 failed, 1 pending\ncompleted: 4/4 settled: 4 delivered\n',
  );
  expect(exitCode).toBe(0);
});

test('a terminal shows a bar, up to its end', async () => {
  const { text } = await followed([running, whole], { isTTY: true, json: false });
  expect(text).toContain('2/4 | 1 delivered, 1 retrying, 1 failed, 1 pending');
  expect(text).toContain('4/4 | 4 delivered');
});

test('machines read JSON, also in a terminal', async () => {
  const { text } = await followed([running, whole], { isTTY: true, json: true });
  expect(
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([running, whole]);
});

test('a batch that was not delivered whole exits with 1', async () => {
  expect((await followed([partial], { isTTY: false, json: false })).exitCode).toBe(1);
});

test('an outage is told with its endpoint and beginning, and how many more there are', () => {
  const down = { url: 'https://a.example/hooks', state: 'down', since: '2026-01-01T00:00:30.000Z' } as const;
  const gone = { url: 'https://b.example/hooks', state: 'gone', since: '2026-01-01T00:00:40.000Z' } as const;
  expect(progressLine({ ...running, endpoints: [down] })).toMatch(
    /; https:\/\/a\.example\/hooks down since 2026-01-01T00:00:30\.000Z$/,
  );
  expect(progressLine({ ...running, endpoints: [down, gone] })).toMatch(/, and 1 more endpoints in trouble$/);
  expect(progressTable({ ...running, endpoints: [down, gone] })).toMatch(/a\.example.*down.*\n.*b\.example.*gone/);
  expect(progressTable(running)).not.toContain('since');
});

test('a result lists its errors, and where the others are', () => {
  const { endpoints: _, ...counts } = partial;
  const result: BatchResult = {
    ...counts,
    status: 'completed',
    finished_at: '2026-01-01T00:01:00.000Z',
    errors: [{ call_id: 'c-4', error: 'EndpointGone', message: 'the endpoint is gone' }],
    errors_omitted: 2,
  };
  const text = resultText(result);
  expect(text).toMatch(/^Batch b_1 completed: 4 calls: 3 delivered, 1 failed\n/);
  expect(text).toMatch(/c-4 +│ EndpointGone/);
  expect(text).toMatch(/and 2 more: postcall outcomes b_1$/);
});
