import { expect, test } from 'vitest';
import { mergePages } from '../../../client/merge-pages.js';
import type { Counts, ProgressReport } from '../../../contract/index.js';

const counts = (changes: Partial<Counts>): Counts => ({
  total: 0,
  delivered: 0,
  retrying: 0,
  failed: 0,
  rejected: 0,
  canceled: 0,
  pending: 0,
  ...changes,
});

const report: ProgressReport = {
  ...counts({ total: 1_500, delivered: 500, retrying: 10, pending: 990 }),
  batch_id: 'b_1',
  user_id: 'u-1',
  status: 'running',
  endpoint: 'up',
  endpoint_since: null,
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: null,
  running_pages: [
    { workflow_id: 'page-1', counts: counts({ total: 500, retrying: 10, pending: 490 }) },
    { workflow_id: 'page-2', counts: counts({ total: 500, pending: 500 }) },
  ],
};

test('what a page knows now takes the place of what it told its batch', () => {
  const page1 = counts({ total: 500, delivered: 300, retrying: 4, failed: 1, rejected: 2, canceled: 3, pending: 190 });
  const page2 = counts({ total: 500, delivered: 100, pending: 400 });
  expect(mergePages(report, [page1, page2])).toEqual({
    ...report,
    ...counts({ total: 1_500, delivered: 900, retrying: 4, failed: 1, rejected: 2, canceled: 3, pending: 590 }),
  });
});

test('a page that does not answer counts as it last told its batch', () => {
  const page2 = counts({ total: 500, delivered: 500 });
  expect(mergePages(report, [undefined, page2])).toMatchObject({ delivered: 1_000, retrying: 10, pending: 490 });
  expect(mergePages(report, [undefined, undefined])).toEqual(report);
});

test('an earlier answer of a page gives way to what it has told its batch since', () => {
  const earlier = counts({ total: 500, retrying: 5, pending: 495 });
  expect(mergePages(report, [earlier, undefined])).toEqual(report);
  const asFar = counts({ total: 500, delivered: 1, retrying: 9, pending: 490 });
  expect(mergePages(report, [asFar, undefined])).toMatchObject({ delivered: 501, retrying: 9, pending: 990 });
});
