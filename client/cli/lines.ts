import { createReadStream } from 'node:fs';
import { MAX_CALL_BYTES } from '../../contract/call-record.js';

/** A longer line is not kept, so that a file without line feeds takes little memory. A call that may be imported fits, spaces around it too. */
const MAX_LINE_BYTES = MAX_CALL_BYTES + 64 * 1024;

/** A line as text, or what is wrong with it. */
export type Line = { text: string } | { problem: string };

const LINE_FEED = 0x0a;
/** Not the lenient decoder of Node.js's streams: what is not UTF-8 must not become something else. It leaves out a byte order mark. */
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The lines of a file, or of stdin for `-`, as a stream: a file of any size takes little memory. They end with a line feed, before which a
 * carriage return is left out; other line separators of Unicode are text.
 */
export async function* linesOf(file: string, stdin: NodeJS.ReadableStream): AsyncGenerator<Line, void, void> {
  const input = file === '-' ? stdin : createReadStream(file);
  const line = new OpenLine();
  for await (const piece of input) {
    const bytes = Buffer.from(piece);
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, from)) {
      line.add(bytes.subarray(from, end));
      yield line.take();
      from = end + 1;
    }
    line.add(bytes.subarray(from));
  }
  if (!line.isEmpty) yield line.take();
}

/** What has come of a line so far. */
class OpenLine {
  #pieces: Buffer[] = [];
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length <= MAX_LINE_BYTES) this.#pieces.push(piece);
    else this.#pieces = [];
  }

  take(): Line {
    const [bytes, length] = [Buffer.concat(this.#pieces), this.#length];
    this.#pieces = [];
    this.#length = 0;
    if (length > MAX_LINE_BYTES) return { problem: `has more than ${MAX_CALL_BYTES} bytes` };
    try {
      return { text: UTF8.decode(bytes).replace(/\r$/, '') };
    } catch {
      // The error says only that the bytes are invalid.
      return { problem: 'is not UTF-8' };
    }
  }
}
