import { type BatchRequest, hostOf } from '../contract/index.js';
import { counted } from './counted.js';

/** Requests that the details list: Temporal refuses details above 20,000 bytes. */
const MAX_LISTED = 15;
const MAX_LABEL_LENGTH = 100;

/** Temporal refuses a summary above 400 bytes; a host name has at most 255. */
export function staticSummary(batches: readonly BatchRequest[]): string {
  const [first, ...others] = batches;
  if (!first) return '';
  if (others.length > 0) return sharedSummary(batches);
  const { send_type, call_ids, webhook_url } = first;
  const calls = counted(call_ids.length, 'call');
  return webhook_url === undefined ? `${send_type}: ${calls}` : `${send_type}: ${calls} → ${hostOf(webhook_url)}`;
}

function sharedSummary(batches: readonly BatchRequest[]): string {
  const calls = callsOf(batches);
  const resent = callsOf(batches.filter(({ send_type }) => send_type === 'resend'));
  const endpoints = new Set(
    batches.flatMap(({ user_id, webhook_url }) => (webhook_url === undefined ? [] : [`${user_id} ${webhook_url}`])),
  );
  const to = endpoints.size > 0 ? ` to ${counted(endpoints.size, 'endpoint')}` : '';
  const again = resent > 0 ? `, ${resent} sent again` : '';
  return `${counted(batches.length, 'request')}: ${counted(calls, 'call')}${to}${again}`;
}

/** What an operator needs to know of a workflow in the Temporal Web UI, in its markdown. A URL's query may be secret: left out. */
export function staticDetails(batches: readonly BatchRequest[]): string {
  const [first, ...others] = batches;
  if (!first) return '';
  const about = others.length > 0 ? sharedDetails(batches) : batchDetails(first);
  return [...about, 'Signals: `retryNow` (waiting calls try at once), `pause`, `resume`, `cancel`'].join('\n\n');
}

const batchDetails = ({ batch_id, user_id, send_type, call_ids, webhook_url }: BatchRequest): string[] => [
  `Batch: ${code(batch_id)}`,
  `User: ${code(user_id)}`,
  `Webhook URL: ${webhook_url === undefined ? 'the one that each webhook had before' : code(withoutQuery(webhook_url))}`,
  `Calls: ${call_ids.length}, ${send_type}`,
];

function sharedDetails(batches: readonly BatchRequest[]): string[] {
  const lines = batches.slice(0, MAX_LISTED).map(requestLine);
  const more = batches.length - lines.length;
  return [['Requests:', ...lines, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n')];
}

function requestLine({ batch_id, user_id, send_type, call_ids, webhook_url }: BatchRequest): string {
  const to = webhook_url === undefined ? '' : ` to ${code(cut(withoutQuery(webhook_url)))}`;
  return `- ${code(batch_id)} of ${code(user_id)}: ${send_type} ${counted(call_ids.length, 'call')}${to}`;
}

const callsOf = (batches: readonly BatchRequest[]): number =>
  batches.reduce((calls, { call_ids }) => calls + call_ids.length, 0);

const code = (text: string): string => `\`${text.replaceAll('`', "'")}\``;

const cut = (text: string): string => (text.length > MAX_LABEL_LENGTH ? `${text.slice(0, MAX_LABEL_LENGTH)}…` : text);

function withoutQuery(url: string): string {
  const { origin, pathname, search } = new URL(url);
  return origin + pathname + (search && '?…');
}
