import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import type { Session } from '../session.js';
import { pruning } from '../setup/pruning.js';
import { searchAttributes } from '../setup/search-attributes.js';
import type { SetupResult, SetupStep } from '../setup/step.js';

const STEPS: readonly SetupStep[] = [searchAttributes, pruning];

/** `postcall setup`: what a Temporal namespace needs, done or told. */
export function addSetup(program: Command, session: Session): void {
  program
    .command('setup')
    .summary('prepare a Temporal namespace')
    .description(
      'Prepares the Temporal namespace: registers the search attributes by which its Web UI finds workflows, and makes the Schedule that ' +
        'removes what finished batches have left, where POSTCALL_RETENTION is set (it removes it where it is not). Prints the commands for ' +
        'what this connection may not do. Safe to repeat.',
    )
    .action(() => setup(session));
}

async function setup(session: Session): Promise<void> {
  const { output, config } = session;
  await session.withTemporal(async (connection, namespace) => {
    for (const { name, run } of STEPS) {
      const result = await run({ connection, namespace, config });
      output.print({ step: name, ...result }, () => textOf(name, result));
      if (result.status === 'failed') session.exitCode = EXIT.failed;
    }
  });
}

const textOf = (name: string, result: SetupResult): string =>
  [`${name}: ${result.message}`, ...('commands' in result ? result.commands.map((line) => `  ${line}`) : [])].join(
    '\n',
  );
