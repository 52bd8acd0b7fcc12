import type { Command } from 'commander';
import type { FailedWebhook } from '../../../contract/index.js';
import { parseTime, userIdOption } from '../options.js';
import type { Session } from '../session.js';

const PAGE_SIZE = 500;

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

/** One for all options of a command: from 24h ago until 24h ago is no time at all. */
const NOW = new Date();

/** A time, or so long ago. */
export const parsePastTime = (text: string): string => parseTime(text, NOW);

async function listFailed({ userId, since, until, url, batch }: FailedOptions, session: Session): Promise<void> {
  const { output } = session;
  // One end for all pages: what fails while they are read is not in them.
  const window = { user_id: userId, since, until: until ?? new Date().toISOString(), url, batch_id: batch };
  await session.withClient(async (client) => {
    let cursor: string | undefined;
    let count = 0;
    do {
      const page = await client.listFailed({ ...window, limit: PAGE_SIZE, cursor });
      for (const webhook of page.webhooks) output.print(webhook, () => failedLine(webhook));
      count += page.webhooks.length;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    output.note(`${count} failed ${count === 1 ? 'webhook' : 'webhooks'} since ${since}`);
  });
}

const failedLine = ({ failed_at, call_id, url, attempts, reason }: FailedWebhook): string =>
  [failed_at, call_id, url, `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`, reason ?? ''].join('  ');
