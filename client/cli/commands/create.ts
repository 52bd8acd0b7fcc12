import type { Command } from 'commander';
import { callIdsOf } from '../call-ids.js';
import { addTuningOptions, tuningOf, userIdOption } from '../options.js';
import type { Session } from '../session.js';
import { accept, addWaitOptions, type WaitOptions } from './accept.js';

interface CreateOptions extends WaitOptions {
  url: string;
  userId: string;
  file?: string;
  idempotencyKey?: string;
}

export function addCreate(program: Command, session: Session): void {
  const command = program
    .command('create')
    .summary('create a webhook for each call and send it')
    .description(
      'Creates a webhook for each call that has none yet, and sends it. It goes on durably when the command has ended.',
    )
    .argument('[call_ids...]', 'the calls')
    .requiredOption('--url <url>', 'where the webhooks go')
    .addOption(userIdOption(session))
    .option('--file <path>', 'read call IDs from a file, one a line; - is stdin')
    .option('--idempotency-key <key>', "a repeated request with this key returns the first one's batch");
  addWaitOptions(addTuningOptions(command)).action((callIds: string[], options: CreateOptions) =>
    create(callIds, options, session),
  );
}

async function create(named: string[], options: CreateOptions, session: Session): Promise<void> {
  const call_ids = await callIdsOf(named, options.file, session);
  await session.withClient(async (client) => {
    const batch = await client.create({
      user_id: options.userId,
      call_ids,
      webhook_url: options.url,
      idempotency_key: options.idempotencyKey,
      options: tuningOf(options),
    });
    await accept(batch, call_ids.length, options, session);
  });
}
