import Table from 'cli-table3';
import type { Attempt, StoredWebhook } from '../contract/index.js';
import type { SampleCall } from './sample-calls/index.js';

/** The calls with their webhooks' attempts, as text. Times are seconds after `startedAt` (milliseconds since the epoch). */
export function attemptsTable(calls: SampleCall[], webhooks: Map<string, StoredWebhook>, startedAt: number): string {
  const table = new Table({
    head: ['Call', 'Agent', 'Webhook', 'Attempts, in seconds after the start'],
    style: { head: [], border: [], compact: true },
  });
  for (const call of calls) {
    const webhook = webhooks.get(call.call_id);
    const attempts = webhook ? attemptsText(webhook.metadata, startedAt) : '';
    table.push([call.call_id.slice(0, 8), agentOf(call), webhook?.status ?? 'none', attempts]);
  }
  return table.toString();
}

const agentOf = ({ metadata }: SampleCall): string => metadata.agent.split(':')[0] ?? '';

/** `connection refused 0.2 1.3 2.9, 200 9.9`: attempts that ended alike in a row share their outcome. */
function attemptsText(attempts: Attempt[], startedAt: number): string {
  const groups: { outcome: string; times: string[] }[] = [];
  for (const { sent_at, response_code, error } of attempts) {
    const outcome = String(response_code ?? error);
    const time = ((Date.parse(sent_at) - startedAt) / 1_000).toFixed(1);
    const last = groups.at(-1);
    if (last?.outcome === outcome) last.times.push(time);
    else groups.push({ outcome, times: [time] });
  }
  return groups.map(({ outcome, times }) => `${outcome} ${times.join(' ')}`).join(', ');
}
