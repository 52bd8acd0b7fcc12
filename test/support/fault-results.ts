import { appendFile, readFile } from 'node:fs/promises';

/** What one scenario showed: a row of the suite's table. */
export interface ScenarioResult {
  scenario: string;
  calls: number;
  /** Calls that the store does not show as delivered, or whose delivery the endpoint has not seen. */
  lost: number;
  /** Requests that the endpoint was sent although it had taken that call's webhook before. */
  duplicates: number;
  /** Calls whose attempt was cut off with its worker: only they may be seen twice. Null where the fault cuts no worker off. */
  cut_off: number | null;
  /** Seconds from the end of the fault, or from the start where it lasts, until the last delivery. */
  recovery_s: number;
}

/** Scenarios run in processes of their own: each adds a line to the suite's file. */
export async function recordResult(file: string, result: ScenarioResult): Promise<void> {
  await appendFile(file, `${JSON.stringify(result)}\n`);
}

/** In the order in which they ran; none when the file does not exist. */
export async function readResults(file: string): Promise<ScenarioResult[]> {
  try {
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as ScenarioResult);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const HEADINGS = ['Scenario', 'Calls', 'Lost', 'Duplicates', 'Cut off', 'Recovery (s)'];

const cellsOf = ({ scenario, calls, lost, duplicates, cut_off, recovery_s }: ScenarioResult): string[] => [
  scenario,
  `${calls}`,
  `${lost}`,
  `${duplicates}`,
  cut_off === null ? '-' : `${cut_off}`,
  recovery_s.toFixed(1),
];

/** A Markdown table, with its columns aligned. */
export function resultsTable(results: readonly ScenarioResult[]): string {
  const rows = [HEADINGS, ...results.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]) => `| ${cells.map((cell, column) => pad(cell, column, widths)).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const [headings = [], ...body] = rows;
  return [line(headings), rule, ...body.map(line)].join('\n');
}

const pad = (cell: string, column: number, widths: number[]): string =>
  column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
