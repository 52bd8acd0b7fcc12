import type { DeliveryEnd, DeliveryInput } from '../contract/index.js';
import type { AttemptTools } from './dependencies.js';
import { failWebhook } from './fail-webhook.js';
import { type Reading, readCall } from './read-call.js';
import { decideReading, type ReadPolicy } from './read-policy.js';
import type { RunningAttempt } from './running-attempts.js';
import { endOfStanding } from './standing.js';

/** The text of a call that nothing was sent of yet, or what became of its webhook instead. */
export async function obtainCall(
  tools: AttemptTools,
  input: DeliveryInput,
  attempt: RunningAttempt,
  acceptedAt: string,
): Promise<DeliveryEnd | { kind: 'text'; text: string }> {
  const reading = await read(tools, input);
  const policy = tools.calls?.policy ?? NO_GRACE;
  const decision = decideReading(reading, policy, {
    elapsed_ms: Date.now() - Date.parse(acceptedAt),
    remaining_ms: attempt.remaining(input.remaining_ms),
  });
  switch (decision.kind) {
    case 'send':
      return attempt.readsOnly ? keep(tools, input, decision.text) : { kind: 'text', text: decision.text };
    case 'ask_again':
      return { kind: 'unread', due_in: decision.due_in, source_away: decision.source_away };
    case 'not_found':
      return notFound(tools, input);
    case 'fail':
      return failWebhook(tools, input, 'CallUnreadable', decision.reason);
  }
}

/** The statement that opens attempts has asked the `calls` table already, and nothing comes later. */
const NO_GRACE: ReadPolicy = { grace_ms: 0, ready_timeout_ms: 0, send_incomplete: false };

function read({ calls, reads }: AttemptTools, { call_id, user_id }: DeliveryInput): Promise<Reading> {
  return calls ? readCall({ ...calls, limit: reads }, call_id, user_id) : Promise.resolve({ kind: 'absent' });
}

/** For the execution that comes next. */
async function keep(
  { store }: AttemptTools,
  { batch_id, user_id, call_id }: DeliveryInput,
  payload: string,
): Promise<DeliveryEnd> {
  await store.storePayload({ batch_id, user_id, call_id, payload });
  return { kind: 'read' };
}

/** Of a resend the webhook exists, and stays. */
async function notFound(tools: AttemptTools, input: DeliveryInput): Promise<DeliveryEnd> {
  const { batch_id, user_id, call_id } = input;
  if (input.send_type === 'resend') return failWebhook(tools, input, 'CallUnreadable', 'the call was not found');
  return endOfStanding(await tools.store.rejectWebhook({ batch_id, user_id, call_id, error: 'CallNotFound' }));
}
