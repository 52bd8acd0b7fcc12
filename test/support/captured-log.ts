import { Writable } from 'node:stream';
import { type LevelWithSilent, type Logger, pino } from 'pino';

/** A logger, and the lines (JSON) that it has written. */
export function captureLog(level: LevelWithSilent): { lines: string[]; logger: Logger } {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  return { lines, logger: pino({ level }, sink) };
}
