import { InvalidRequestError } from '../../contract/index.js';
import { linesOf } from './lines.js';
import type { Session } from './session.js';

/** Call IDs from the command line and, one a line, from `--file`; blank lines are skipped. */
export async function callIdsOf(named: string[], file: string | undefined, { stdin }: Session): Promise<string[]> {
  const callIds = [...named];
  if (file !== undefined) {
    let number = 0;
    for await (const line of linesOf(file, stdin)) {
      number += 1;
      if ('problem' in line) throw problem(`line ${number} of ${file} ${line.problem}`);
      if (line.text.trim() !== '') callIds.push(line.text.trim());
    }
  }
  if (callIds.length > 0) return callIds;
  throw problem('call_ids must name at least one call: as arguments, or one a line with --file');
}

const problem = (message: string) => new InvalidRequestError([{ field: 'call_ids', message }]);
