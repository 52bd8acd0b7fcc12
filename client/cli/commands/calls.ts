import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { importCalls } from '../import-calls.js';
import { linesOf } from '../lines.js';
import { optionalUserIdOption } from '../options.js';
import type { Session } from '../session.js';

/** `postcall calls`: the built-in call source. */
export function addCalls(program: Command, session: Session): void {
  const calls = program.command('calls').description('the calls of the built-in call source');
  calls
    .command('import')
    .summary('import calls from JSON Lines')
    .description(
      'Imports calls from JSON Lines: one call a line, with a call_id and, without --user-id, a user_id; it is sent as it stands there. ' +
        'Lines that cannot be imported are named, the others imported. A call that exists is replaced; webhooks made from it stay as they are.',
    )
    .argument('<file>', 'the file; - is stdin')
    .addOption(optionalUserIdOption(session, 'the owner of calls on lines without a user_id'))
    .action((file: string, { userId }: { userId?: string }) => importFile(file, userId, session));
}

async function importFile(file: string, userId: string | undefined, session: Session): Promise<void> {
  const { output, stdin } = session;
  const { imported, bad } = await session.withStore((store) =>
    importCalls(
      linesOf(file, stdin),
      userId,
      (calls) => store.upsertCalls(calls),
      ({ line, message }) => output.complain({ line, message }, `line ${line}: ${message}`),
    ),
  );
  output.print({ imported, bad }, () => `${imported} calls imported, ${bad} lines refused`);
  if (bad > 0) session.exitCode = EXIT.failed;
}
