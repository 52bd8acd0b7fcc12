import Table from 'cli-table3';

export interface Streams {
  stdout: NodeJS.WritableStream & { isTTY?: boolean };
  stderr: NodeJS.WritableStream;
}

/** Where a command's answers go: JSON for machines (a document or one a line), text for people. */
export class Output {
  constructor(
    readonly streams: Streams,
    readonly json: boolean,
  ) {}

  /** One answer: a line of JSON, or `text()`. */
  print(value: unknown, text: () => string): void {
    this.printJson(() => JSON.stringify(value), text);
  }

  /** As {@link print}, of JSON that exists as text. */
  printJson(json: () => string, text: () => string): void {
    this.streams.stdout.write(`${this.json ? json() : text()}\n`);
  }

  /** One thing that is wrong: a line of JSON, or of text, on stderr. */
  complain(value: unknown, text: string): void {
    this.streams.stderr.write(`${this.json ? JSON.stringify(value) : text}\n`);
  }

  /** For people only; on stderr, so that stdout is the answer alone. */
  note(text: string): void {
    if (!this.json) this.streams.stderr.write(`${text}\n`);
  }
}

/** A plain table: no colours, so that it reads the same in a terminal, a log and a pipe. */
export function table(head: string[], rows: readonly (string | number | null)[][]): string {
  const out = new Table({ head, style: { head: [], border: [], compact: true } });
  out.push(...rows.map((row) => row.map((cell) => cell ?? '')));
  return out.toString();
}
