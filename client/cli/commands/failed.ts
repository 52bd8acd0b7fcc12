import type { Command } from 'commander';
import { type FailedWebhook, MAX_FAILED_PAGE } from '../../../contract/index.js';
import { counted } from '../../counted.js';
import { parsePastTime, userIdOption } from '../options.js';
import type { Session } from '../session.js';

interface FailedOptions {
  userId: string;
  since: string;
  until?: string;
  url?: string;
  batch?: string;
}

export function addFailed(program: Command, session: Session): void {
  program
    .command('failed')
    .summary('list webhooks that failed for good')
    .description(
      'Lists the webhooks that failed for good, oldest failure first: their schedule was used up, or their endpoint is gone.',
    )
    .addOption(userIdOption(session))
    .requiredOption('--since <time>', 'failed since then: 24h (ago), or an ISO 8601 time', parsePastTime)
    .option('--until <time>', 'failed before then (default: now)', parsePastTime)
    .option('--url <url>', 'only webhooks to this URL')
    .option('--batch <batch>', 'only webhooks that this batch last sent')
    .action((options: FailedOptions) => listFailed(options, session));
}

async function listFailed({ userId, since, until, url, batch }: FailedOptions, session: Session): Promise<void> {
  const { output } = session;
  // One end for all pages: what fails while they are read is not in them.
  const window = { user_id: userId, since, until: until ?? new Date().toISOString(), url, batch_id: batch };
  await session.withClient(async (client) => {
    let cursor: string | undefined;
    let count = 0;
    do {
      const page = await client.listFailed({ ...window, limit: MAX_FAILED_PAGE, cursor });
      for (const webhook of page.webhooks) output.print(webhook, () => failedLine(webhook));
      count += page.webhooks.length;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    output.note(`${counted(count, 'failed webhook')} since ${since}`);
  });
}

const failedLine = ({ failed_at, call_id, url, attempts, reason }: FailedWebhook): string =>
  [failed_at, call_id, url, counted(attempts, 'attempt'), reason ?? ''].join('  ');
