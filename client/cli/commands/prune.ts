import type { Command } from 'commander';
import { parsePastTime } from '../options.js';
import type { Session } from '../session.js';

interface PruneOptions {
  olderThan: string;
  dryRun?: boolean;
}

/** `postcall prune`: what finished batches leave in the store. */
export function addPrune(program: Command, session: Session): void {
  program
    .command('prune')
    .summary('remove webhooks of batches that finished long ago')
    .description(
      'Removes webhooks and attempts of batches that finished before a time, payloads included. Unfinished batches are left alone, ' +
        'and webhooks that a later batch has taken over.',
    )
    .requiredOption('--older-than <time>', 'finished before then: 90d (ago), or an ISO 8601 time', parsePastTime)
    .option('--dry-run', 'only say how much it would be')
    .action((options: PruneOptions) => prune(options, session));
}

async function prune({ olderThan, dryRun = false }: PruneOptions, session: Session): Promise<void> {
  const request = { finished_before: new Date(olderThan), dry_run: dryRun };
  const { batches, webhooks } = await session.withStore((store) => store.prune(request));
  session.output.print({ batches, webhooks, finished_before: olderThan, dry_run: dryRun }, () => {
    const done = dryRun ? 'would be removed' : 'removed';
    return `${webhooks} webhooks of ${batches} batches that finished before ${olderThan} ${done}`;
  });
}
