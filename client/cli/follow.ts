import { Presets, SingleBar } from 'cli-progress';
import type { BatchResult, Counts, Progress } from '../../contract/index.js';
import type { BatchHandle } from '../batch-handle.js';
import { counted } from '../counted.js';
import { EXIT } from './exit-codes.js';
import { table } from './output.js';
import type { Session } from './session.js';

const COUNTS = ['delivered', 'retrying', 'failed', 'rejected', 'canceled', 'pending'] as const;

/** "3 delivered, 1 retrying, 2 pending": zeros are left out. */
const countsText = (counts: Counts): string =>
  COUNTS.filter((name) => counts[name] > 0)
    .map((name) => `${counts[name]} ${name}`)
    .join(', ') || 'no calls';

const settled = ({ delivered, failed, rejected, canceled }: Counts): number => delivered + failed + rejected + canceled;

export const progressLine = (progress: Progress): string =>
  `${progress.status}: ${settled(progress)}/${progress.total} settled: ${countsText(progress)}${troublesText(progress)}`;

/** "; https://example.com/hooks down since 2026-01-31T09:00:00.000Z": the first endpoint that is down or gone, and how many more are. */
function troublesText({ endpoints }: Progress): string {
  const [first, ...others] = endpoints;
  if (!first) return '';
  const more = others.length > 0 ? `, and ${others.length} more endpoints in trouble` : '';
  return `; ${first.url} ${first.state} since ${first.since}${more}`;
}

export function progressTable(progress: Progress): string {
  const { batch_id, status, total, endpoints } = progress;
  const counts = table(
    ['batch', 'status', 'total', ...COUNTS],
    [[batch_id, status, total, ...COUNTS.map((name) => progress[name])]],
  );
  if (endpoints.length === 0) return counts;
  const troubles = endpoints.map(({ url, state, since }) => [url, state, since]);
  return `${counts}\n${table(['endpoint', 'state', 'since'], troubles)}`;
}

export const resultText = (result: BatchResult): string => {
  const { batch_id, status, total, errors, errors_omitted } = result;
  const lines = [`Batch ${batch_id} ${status}: ${total} calls: ${countsText(result)}`];
  if (errors.length > 0) {
    lines.push(
      table(
        ['call', 'error', 'message'],
        errors.map((error) => [error.call_id, error.error, error.message]),
      ),
    );
  }
  if (errors_omitted > 0) lines.push(`and ${errors_omitted} more: postcall outcomes ${batch_id}`);
  return lines.join('\n');
};

/** Follows a batch to its end: a live bar in a terminal, a line for each change elsewhere, JSON lines for machines. */
export async function follow(batch: Pick<BatchHandle, 'watch'>, session: Session): Promise<void> {
  const { output } = session;
  const view = output.streams.stdout.isTTY && !output.json ? barView(session) : lineView(session);
  try {
    await session.interruptible(async (signal) => {
      for await (const progress of batch.watch({ signal })) {
        view.show(progress);
        if (progress.finished_at !== null) session.exitCode = exitCodeOf(progress);
      }
    });
  } finally {
    view.stop();
  }
}

/** Success is that every call was delivered. */
export const exitCodeOf = (counts: Counts): 0 | 1 => (counts.delivered === counts.total ? EXIT.ok : EXIT.failed);

interface View {
  show(progress: Progress): void;
  stop(): void;
}

function lineView({ output }: Session): View {
  return { show: (progress) => output.print(progress, () => progressLine(progress)), stop: () => undefined };
}

function barView({ output }: Session): View {
  const format = ' {bar} {settled}/{total} | {counts}{outage} | {duration_formatted}';
  const stream = output.streams.stdout;
  // Ctrl-C is the session's: the bar must not exit the process by itself.
  const bar = new SingleBar({ format, stream, barsize: 30, gracefulExit: false }, Presets.shades_classic);
  let started = false;
  return {
    show(progress) {
      const value = settled(progress);
      const troubled = progress.endpoints.length;
      const outage = troubled === 0 ? '' : ` | ${counted(troubled, 'endpoint')} in trouble`;
      const payload = { settled: value, counts: countsText(progress), outage };
      if (!started) bar.start(progress.total, value, payload);
      else bar.update(value, payload);
      started = true;
    },
    stop: () => bar.stop(),
  };
}
