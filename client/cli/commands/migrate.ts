import type { Command } from 'commander';
import type { Session } from '../session.js';

/** `postcall migrate`: the database's schema. */
export function addMigrate(program: Command, session: Session): void {
  program
    .command('migrate')
    .summary('bring the database’s schema up to date')
    .description(
      'Creates the tables of the store, or brings them up to date, with a role in DATABASE_URL that may. Workers and API processes then ' +
        'start with a role that may only read and write. Safe to repeat; several at a time take turns.',
    )
    .action(() => migrate(session));
}

const FOUND = {
  missing: 'the tables were created',
  outdated: 'the schema was brought up to date',
  current: 'the schema is up to date already',
  newer: 'the schema is that of a newer version, which serves this one too',
} as const;

async function migrate({ config, output }: Session): Promise<void> {
  const { migrateStore } = await import('../../../store/index.js');
  const found = await migrateStore(config);
  output.print({ found: found ?? 'current' }, () => (found ? FOUND[found] : 'the embedded database is up to date'));
}
