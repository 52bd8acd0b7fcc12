import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** The lines of a file, or of stdin for `-`, as a stream: a file of any size takes little memory. */
export async function* linesOf(file: string, stdin: NodeJS.ReadableStream): AsyncGenerator<string, void, void> {
  const input: NodeJS.ReadableStream = file === '-' ? stdin : createReadStream(file, 'utf8');
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  // readline does not pass on its input's errors: a missing file would read as an empty one.
  const failed = new Promise<never>((_, reject) => input.once('error', reject));
  const iterator = lines[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await Promise.race([iterator.next(), failed]);
      if (done) return;
      yield value;
    }
  } finally {
    lines.close();
  }
}
