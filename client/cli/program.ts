import { Command } from 'commander';
import { version } from '../../config/version.js';
import { addBatchCommands } from './commands/batch.js';
import { addCalls } from './commands/calls.js';
import { addCreate } from './commands/create.js';
import { addDoctor } from './commands/doctor.js';
import { addEndpoints } from './commands/endpoints.js';
import { addErase } from './commands/erase.js';
import { addFailed } from './commands/failed.js';
import { addGet } from './commands/get.js';
import { addKeys } from './commands/keys.js';
import { addMigrate } from './commands/migrate.js';
import { addOrderCommands } from './commands/orders.js';
import { addPrune } from './commands/prune.js';
import { addReencrypt } from './commands/reencrypt.js';
import { addResend } from './commands/resend.js';
import { addSecrets } from './commands/secrets.js';
import { addSetup } from './commands/setup.js';
import { EXIT_CODES_HELP } from './exit-codes.js';
import type { Session } from './session.js';

const ENVIRONMENT_HELP = `
Environment:
  TEMPORAL_ADDRESS and its kin  where Temporal is (default: the embedded server, 127.0.0.1:7233)
  TEMPORAL_TASK_QUEUE           the task queue of the workers (default: postcall-webhooks)
  DATABASE_URL                  PostgreSQL; without it the embedded database in POSTCALL_DATA_DIR (default: .postcall)
  POSTCALL_ENCRYPTION_KEYS      name:key pairs that signing secrets and payloads are encrypted with
  POSTCALL_USER_ID              default of --user-id`;

/** The command line: every command with its options. Actions throw; nothing here ends the process. */
export function buildProgram(session: Session): Command {
  const { stdout, stderr } = session.output.streams;
  const program = new Command('postcall')
    .description('Durable post-call webhooks: one webhook for each finished call, retried through outages.')
    .version(version)
    // Read from the arguments before they are parsed, so that a parse error is reported in it as well.
    .option('--json', 'answer in JSON, a document or one a line; errors too, on stderr')
    .configureHelp({ showGlobalOptions: true })
    // Errors are thrown, and reported with every other one.
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: () => undefined,
    })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', `${EXIT_CODES_HELP}\n${ENVIRONMENT_HELP}`);
  addCreate(program, session);
  addResend(program, session);
  addBatchCommands(program, session);
  addOrderCommands(program, session);
  addEndpoints(program, session);
  addFailed(program, session);
  addGet(program, session);
  addCalls(program, session);
  addKeys(program, session);
  addSecrets(program, session);
  addDoctor(program, session);
  addMigrate(program, session);
  addPrune(program, session);
  addReencrypt(program, session);
  addErase(program, session);
  addSetup(program, session);
  return program;
}
