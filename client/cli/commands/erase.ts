import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ErasedCall, Store } from '../../../store/store.js';
import { userIdOption } from '../options.js';
import { NotFoundError } from '../report-error.js';
import type { Session } from '../session.js';

/** Between two looks at an attempt in flight, at most. */
const LOOK_MS = 500;

/** `postcall erase`: what one call said. */
export function addErase(program: Command, session: Session): void {
  program
    .command('erase')
    .summary("remove a call's payload and attempts for good")
    .description(
      "Removes a call's payload, the attempts to send it, and its record in the calls table. Its webhook is never sent again: one that " +
        'is pending or retrying fails, and create and resend reject its call. An attempt in flight is waited for. The call ID, the URL and ' +
        'times stay until `postcall prune`, and in Temporal for its retention.',
    )
    .argument('<call_id>', 'the call')
    .addOption(userIdOption(session))
    .action((callId: string, { userId }: { userId: string }) => erase(callId, userId, session));
}

async function erase(call_id: string, user_id: string, session: Session): Promise<void> {
  const { output, config } = session;
  const erased = await session.withStore((store) => eraseWhole(store, { user_id, call_id }, output.note.bind(output)));
  if (!erased) throw new NotFoundError(`user ${JSON.stringify(user_id)} has no call ${JSON.stringify(call_id)}`);
  const { webhook, attempts, call_record } = erased;
  const { was = null, is = null } = webhook ?? {};
  output.print({ call_id, user_id, was, status: is, attempts, call_record }, () => erasedText(call_id, erased));
  if (config.calls.url !== undefined)
    output.note(`${config.calls.url} was not asked to erase it, and may still have it`);
}

/** Waits until no attempt is in flight, whose end would be recorded afterwards. */
async function eraseWhole(
  store: Store,
  call: { user_id: string; call_id: string },
  note: (text: string) => void,
): Promise<ErasedCall | undefined> {
  const erased = await store.eraseCall(call);
  if (!erased) return undefined;
  let { webhook, attempts } = erased;
  for (let waits = 0; webhook && webhook.in_flight_ms !== null; waits += 1) {
    if (waits === 0)
      note(`an attempt is in flight: waiting for its end, ${Math.ceil(webhook.in_flight_ms / 1_000)} s at most`);
    await delay(Math.min(Math.max(webhook.in_flight_ms, 1), LOOK_MS));
    const again = await store.eraseCall(call);
    attempts += again?.attempts ?? 0;
    webhook = again?.webhook ? { ...again.webhook, was: webhook.was } : null;
  }
  return { ...erased, webhook, attempts };
}

function erasedText(callId: string, { webhook, attempts, call_record }: ErasedCall): string {
  const record = call_record ? ', its record in the calls table' : '';
  if (!webhook) return `call ${callId} erased: its record in the calls table; it has no webhook`;
  const { was, is } = webhook;
  const standing = was === is ? `stays ${is}` : `was ${was} and is ${is}`;
  return `call ${callId} erased: its payload${record}, ${attempts} attempts; its webhook ${standing}, and is not sent again`;
}
