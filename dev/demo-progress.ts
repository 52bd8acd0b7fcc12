import { Presets, SingleBar } from 'cli-progress';
import type { BatchHandle, Progress } from '../client/index.js';

/** Shows a batch's progress until its end: a live bar on a terminal, a line for each change elsewhere. */
export async function showProgress(batch: BatchHandle, signal: AbortSignal): Promise<void> {
  const show = process.stdout.isTTY ? bar() : lines();
  try {
    for await (const progress of batch.watch({ interval: 200, signal })) show.update(progress);
  } finally {
    show.stop();
  }
}

function bar() {
  const view = new SingleBar(
    { format: '  {bar} {value}/{total} delivered   {state}', hideCursor: true, clearOnComplete: false },
    Presets.shades_classic,
  );
  let started = false;
  return {
    update(progress: Progress) {
      if (!started) view.start(progress.total, 0, { state: '' });
      started = true;
      view.update(progress.delivered, { state: stateOf(progress) });
    },
    stop: () => view.stop(),
  };
}

function lines() {
  return {
    update: (progress: Progress) =>
      console.log(`  ${progress.delivered}/${progress.total} delivered   ${stateOf(progress)}`),
    stop: () => undefined,
  };
}

function stateOf({ endpoints, retrying, pending, failed, finished_at }: Progress): string {
  if (finished_at !== null) return 'finished';
  const counts = { retrying, 'not tried yet': pending, failed };
  const parts = Object.entries(counts).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []));
  const [endpoint] = endpoints;
  return [`endpoint ${endpoint?.state ?? 'up'}`, ...parts].join(', ');
}
