import { type Command, Option } from 'commander';
import { InvalidRequestError } from '../../../contract/index.js';
import { callIdsOf } from '../call-ids.js';
import { addTuningOptions, parsePastTime, tuningOf, userIdOption } from '../options.js';
import type { Session } from '../session.js';
import { accept, addWaitOptions, type WaitOptions } from './accept.js';

interface ResendOptions extends WaitOptions {
  userId: string;
  file?: string;
  idempotencyKey?: string;
  failed?: true;
  since?: string;
  until?: string;
  url?: string;
}

const NAMED_ONLY = ['file', 'idempotencyKey', 'watch', 'wait'];

export function addResend(program: Command, session: Session): void {
  const command = program
    .command('resend')
    .summary('send webhooks again')
    .description(
      'Sends webhooks again, to the same URLs and with the same bytes: those of the named calls, or all that failed.',
    )
    .argument('[call_ids...]', 'the calls')
    .addOption(userIdOption(session))
    .option('--file <path>', 'read call IDs from a file, one a line; - is stdin')
    .option('--idempotency-key <key>', "a repeated request with this key returns the first one's batch")
    .addOption(new Option('--failed', 'every webhook that failed in a span of time').conflicts(NAMED_ONLY))
    .option('--since <time>', 'with --failed: failed since then: 24h (ago), or an ISO 8601 time', parsePastTime)
    .option('--until <time>', 'with --failed: failed before then (default: now)', parsePastTime)
    .option('--url <url>', 'with --failed: only webhooks to this URL');
  addWaitOptions(addTuningOptions(command)).action((callIds: string[], options: ResendOptions) =>
    options.failed ? resendFailed(callIds, options, session) : resend(callIds, options, session),
  );
}

async function resend(named: string[], options: ResendOptions, session: Session): Promise<void> {
  refuse(options.since ?? options.until ?? options.url, 'since, until and url go with --failed');
  const call_ids = await callIdsOf(named, options.file, session);
  await session.withClient(async (client) => {
    const batch = await client.resend({
      user_id: options.userId,
      call_ids,
      idempotency_key: options.idempotencyKey,
      options: tuningOf(options),
    });
    await accept(batch, call_ids.length, options, session);
  });
}

async function resendFailed(named: string[], options: ResendOptions, session: Session): Promise<void> {
  refuse(named[0], 'call_ids and --failed exclude each other');
  const { userId: user_id, since = '', until, url } = options;
  refuse(since === '' || undefined, 'since is required with --failed: for example --since 24h');
  await session.withClient(async (client) => {
    const resend = await client.resendFailed({ user_id, since, until, url, options: tuningOf(options) });
    session.output.note(`Sending again what failed since ${since} (${resend.workflowId})`);
    const result = await session.interruptible((signal) => resend.result({ signal }));
    session.output.print(result, () =>
      [
        `${result.calls} webhooks are being sent again`,
        ...result.batches.map((id) => `Follow them: postcall watch ${id}`),
      ].join('\n'),
    );
  });
}

function refuse(given: unknown, message: string): void {
  if (given !== undefined) throw new InvalidRequestError([{ field: '', message }]);
}
