import { InvalidRequestError } from '../../contract/index.js';
import { linesOf } from './lines.js';
import type { Session } from './session.js';

/** Call IDs from the command line and, one a line, from `--file`; blank lines are skipped. */
export async function callIdsOf(named: string[], file: string | undefined, { stdin }: Session): Promise<string[]> {
  const callIds = [...named];
  if (file !== undefined) {
    for await (const line of linesOf(file, stdin)) if (line.trim() !== '') callIds.push(line.trim());
  }
  if (callIds.length > 0) return callIds;
  const message = 'call_ids must name at least one call: as arguments, or one a line with --file';
  throw new InvalidRequestError([{ field: 'call_ids', message }]);
}
