import type { Command } from 'commander';
import { type StoredWebhook, webhookJson } from '../../../contract/index.js';
import { userIdOption } from '../options.js';
import { table } from '../output.js';
import { NotFoundError } from '../report-error.js';
import type { Session } from '../session.js';

export function addGet(program: Command, session: Session): void {
  program
    .command('get')
    .summary("show a call's webhook with every attempt")
    .description("Shows a call's webhook with every attempt, from the store. The payload is shown with --json.")
    .argument('<call_id>', 'the call')
    .addOption(userIdOption(session))
    .action((callId: string, { userId }: { userId: string }) => get(callId, userId, session));
}

async function get(callId: string, userId: string, session: Session): Promise<void> {
  const webhook = await session.withStore((store) => store.getWebhook(userId, callId));
  if (!webhook)
    throw new NotFoundError(`user ${JSON.stringify(userId)} has no webhook of call ${JSON.stringify(callId)}`);
  session.output.printJson(
    () => webhookJson(webhook),
    () => webhookText(webhook),
  );
}

/** Every fact that there is, but for the payload. */
function webhookText({ payload: _, metadata, ...facts }: StoredWebhook): string {
  const lines = Object.entries<string | null>(facts)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${`${name.replaceAll('_', ' ')}:`.padEnd(17)}${value}`);
  const attempts = metadata.map(({ sent_at, send_type, response_code, response_time, error }) => [
    sent_at,
    send_type,
    response_code,
    response_time,
    error,
  ]);
  return [...lines, table(['sent at', 'type', 'status', 'time', 'error'], attempts)].join('\n');
}
