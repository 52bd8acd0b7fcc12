import type { Counts } from '../contract/batch.js';
import type { Batch, Call } from './batch.js';
import type { Book } from './book.js';
import { batchStatus, isoTime, troubleOf } from './report.js';

/** Lines of each list: a page for people. */
const MAX_LINES = 10;

/**
 * What the Temporal Web UI shows of the workflow (Markdown): counts, endpoints in trouble and how many calls wait for them, and the calls
 * that have been tried most often. A continue-as-new loses the static details, so the signals are named here, too.
 */
export function detailsOf(book: Book): string {
  return [
    ...table(['batch', 'user', 'status', 'calls'], lines(book.batches, batchRow)),
    ...table(
      ['endpoint', 'state', 'since', 'calls that wait'],
      lines(troubles(book), (row) => row),
    ),
    ...table(['waiting call', 'attempts', 'last answer', 'next attempt'], mostTried(book).map(callRow)),
    'Signals: `retryNow` (waiting calls try at once), `pause`, `resume`, `cancel`',
  ].join('\n');
}

const batchRow = (batch: Batch): string[] => [
  batch.id,
  batch.base.user_id,
  `**${batchStatus(batch)}**`,
  countsText(batch.counts),
];

/** One line for each endpoint, for all batches. */
function troubles({ batches }: Book): string[][] {
  const found = new Map<string, { trouble: ReturnType<typeof troubleOf>; label: string; waiting: number }>();
  for (const { routes } of batches) {
    for (const [key, route] of routes) {
      const known = found.get(key) ?? { trouble: undefined, label: route.endpoint.ref.label, waiting: 0 };
      known.trouble ??= troubleOf(route);
      known.waiting += route.unsettled;
      found.set(key, known);
    }
  }
  return [...found.values()].flatMap(({ trouble, label, waiting }) =>
    trouble ? [[label, `**${trouble.state}**`, toSeconds(trouble.since), String(waiting)]] : [],
  );
}

/** In the order of their acceptance where they were tried as often. */
function mostTried({ waiting }: Book): Call[] {
  const most: Call[] = [];
  for (const call of waiting) {
    if (call.attempts === 0) continue;
    const last = most.at(-1);
    if (most.length === MAX_LINES && last && byAttempts(call, last) > 0) continue;
    most.push(call);
    most.sort(byAttempts);
    most.length = Math.min(most.length, MAX_LINES);
  }
  return most;
}

const byAttempts = (a: Call, b: Call): number => b.attempts - a.attempts || a.place - b.place;

const callRow = ({ id, attempts, answer, due, batch }: Call): string[] => [
  id,
  String(attempts),
  answer ?? '',
  batch.isPaused ? 'paused' : toSeconds(isoTime(due)),
];

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

const toSeconds = (time: string): string => time.replace(/\.\d+Z$/, 'Z');

const cell = (text = ''): string => text.replaceAll('|', '\\|');

function countsText({ total, ...counts }: Counts): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  return `${total}: ${parts.map(([status, count]) => `${count} ${status}`).join(', ')}`;
}
