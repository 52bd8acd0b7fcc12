import type { Command } from 'commander';
import { InvalidRequestError } from '../../../contract/index.js';
import type { ReencryptProgress, ReencryptResult } from '../../../store/index.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';

/** `postcall reencrypt`: old rows under the newest key. */
export function addReencrypt(program: Command, session: Session): void {
  program
    .command('reencrypt')
    .summary('encrypt stored secrets and payloads with the newest key')
    .description(
      'Encrypts signing secrets and payloads with the newest of POSTCALL_ENCRYPTION_KEYS, a chunk at a time, whether they are in the clear or ' +
        'under an older key; with clear in front of the keys it decrypts them. Workers may run meanwhile, if they know the newest key. ' +
        'When it is interrupted, run it again.',
    )
    .action(() => reencrypt(session));
}

/** Between two lines that say how far it has come. */
const PROGRESS_INTERVAL_MS = 10_000;

async function reencrypt(session: Session): Promise<void> {
  const { config, output } = session;
  if (!config.encryption) {
    const field = 'POSTCALL_ENCRYPTION_KEYS';
    throw new InvalidRequestError([{ field, message: `${field} is not set: there is no key to encrypt with` }]);
  }
  let notedAt = performance.now();
  const on_progress = ({ column, examined, changed }: ReencryptProgress) => {
    if (performance.now() - notedAt < PROGRESS_INTERVAL_MS) return;
    notedAt = performance.now();
    output.note(`${column}: ${examined} rows looked at, ${changed} changed`);
  };
  const result = await session.withStore((store) => store.reencrypt({ on_progress }));
  const { columns, skipped, damaged } = result;
  output.print(result, () =>
    columns.map(({ column, examined, changed }) => `${column}: ${changed} of ${examined} changed`).join('\n'),
  );
  for (const { key_id, values } of skipped) {
    output.note(
      `${values} values need the encryption key ${key_id}, which POSTCALL_ENCRYPTION_KEYS does not name: left as they are`,
    );
  }
  for (const { column, user_id, id } of damaged)
    output.note(`${column} of user ${user_id}, ${id}, was changed or damaged: left as it is`);
  session.exitCode = exitCodeOf(result);
}

function exitCodeOf({ skipped, damaged }: ReencryptResult): ExitCode {
  if (damaged.length > 0) return EXIT.failed;
  return skipped.length > 0 ? EXIT.unavailable : EXIT.ok;
}
