import type { Counts } from '../contract/batch.js';
import type { Batch, Call } from './batch.js';
import type { Book } from './book.js';
import { batchStatus, isoTime, troubledEndpoints } from './report.js';

/** Lines of each list: a page for people. */
const MAX_LINES = 10;

/** What the Temporal Web UI shows of the workflow (Markdown): counts, endpoints in trouble, the calls that wait longest. */
export function detailsOf(book: Book): string {
  return [
    ...table(['batch', 'status', 'calls'], lines(book.batches, batchRow)),
    ...table(['endpoint', 'state', 'since'], troubles(book)),
    ...table(['waiting call', 'attempts', 'next attempt'], waitingCalls(book)),
  ].join('\n');
}

const batchRow = (batch: Batch): string[] => [batch.id, `**${batchStatus(batch)}**`, countsText(batch.counts)];

function troubles({ batches }: Book): string[][] {
  const rows: string[][] = [];
  for (const batch of batches) {
    if (rows.length >= MAX_LINES) break;
    for (const { url, state, since } of troubledEndpoints(batch)) rows.push([url, `**${state}**`, since]);
  }
  return lines(rows, (row) => row);
}

function waitingCalls({ waiting }: Book): string[][] {
  const longest: Call[] = [];
  for (const call of waiting) {
    if (call.attempts === 0) continue;
    longest.push(call);
    if (longest.length === MAX_LINES) break;
  }
  return longest.map(({ id, attempts, due }) => [id, String(attempts), isoTime(due)]);
}

function lines<T>(items: readonly T[], row: (item: T) => string[]): string[][] {
  const shown = items.slice(0, MAX_LINES).map(row);
  const more = items.length - shown.length;
  return more > 0 ? [...shown, [`and ${more} more`]] : shown;
}

function table(head: readonly string[], rows: readonly string[][]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${head.map((_, at) => cell(cells[at])).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
}

const cell = (text = ''): string => text.replaceAll('|', '\\|');

function countsText({ total, ...counts }: Counts): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  return `${total}: ${parts.map(([status, count]) => `${count} ${status}`).join(', ')}`;
}
