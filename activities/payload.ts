import type { PayloadSource } from '../store/store.js';
import { CallSourceError } from './call-sources/call-source.js';
import type { Dependencies } from './dependencies.js';
import { callSourceUnavailable } from './failures.js';

/** What the store is told first: it reads its own `calls` table itself, any other source is asked only for new webhooks. */
export const firstPayloadSource = ({ callSource }: Dependencies): PayloadSource =>
  callSource ? { from: 'unknown' } : { from: 'calls' };

/**
 * Reads a call that gets its first webhook, serialised once and for all. Undefined when the source has no such call, or it is
 * another user's: the two are never told apart. A call without an owner belongs to the user who asks.
 */
export async function readPayload(
  { callSource }: Dependencies,
  { call_id, user_id }: { call_id: string; user_id: string },
): Promise<PayloadSource | undefined> {
  if (!callSource) return undefined;
  try {
    const call = await callSource.getCall(call_id);
    if (!call || (call.user_id !== undefined && call.user_id !== user_id)) return undefined;
    return { from: 'text', json: JSON.stringify(call.data) };
  } catch (error) {
    throw callSourceUnavailable(error, error instanceof CallSourceError ? error.retry_after_ms : undefined);
  }
}
