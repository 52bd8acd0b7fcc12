import type { BatchInput } from '../contract/index.js';

/** Temporal refuses a summary above 400 bytes; a host name has at most 255. */
export function staticSummary({ send_type, call_ids, webhook_url }: BatchInput): string {
  const calls = call_ids.length === 1 ? '1 call' : `${call_ids.length} calls`;
  return webhook_url === undefined ? `${send_type}: ${calls}` : `${send_type}: ${calls} → ${new URL(webhook_url).host}`;
}

/** What an operator needs who finds the batch in the Temporal Web UI, in its markdown. The URL's query may be secret: left out. */
export function staticDetails({ batch_id, user_id, send_type, call_ids, webhook_url }: BatchInput): string {
  return [
    `Batch: ${code(batch_id)}`,
    `User: ${code(user_id)}`,
    `Webhook URL: ${webhook_url === undefined ? 'the one that each webhook had before' : code(withoutQuery(webhook_url))}`,
    `Calls: ${call_ids.length}, ${send_type}`,
    'Signals: `retryNow` (waiting calls try at once), `pause`, `resume`, `cancel`',
  ].join('\n\n');
}

const code = (text: string): string => `\`${text.replaceAll('`', "'")}\``;

function withoutQuery(url: string): string {
  const { origin, pathname, search } = new URL(url);
  return origin + pathname + (search && '?…');
}
