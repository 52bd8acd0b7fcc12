import type { Config } from '../../../config/config.js';
import { messageOf } from '../../../contract/message-of.js';
import type { EncryptionReport, StoreDiagnosis, StoreUnavailableError } from '../../../store/index.js';
import { type Check, failed, isRemote, ok, skipped, warning } from './check.js';

/** Attempts' deadlines are compared by the database's clock; receivers compare `webhook-timestamp` with their own. */
const MAX_SKEW_MS = 2_000;
/** Rows of a table that are looked at for values in the clear. */
const MAX_ROWS = 10_000;

/** The database: whether it answers, is ours, and lets this role work; its clock, and what it holds in the clear. Changes nothing. */
export async function checkStore(config: Config): Promise<Check[]> {
  const { diagnoseStore } = await import('../../../store/index.js');
  let diagnosis: StoreDiagnosis;
  try {
    diagnosis = await diagnoseStore(config);
  } catch (error) {
    return [failureOf('database', error), skipped('secrets', 'the database cannot be used')];
  }
  const database = checkDatabase(config, diagnosis);
  const rest = [...checkSecrecy(config), checkClock(diagnosis)];
  const isUsable = diagnosis.schema !== 'missing' && diagnosis.schema !== 'outdated' && !diagnosis.fault;
  if (!isUsable) return [database, checkSchema(diagnosis), ...checkFault(diagnosis), ...rest];
  return [
    database,
    checkSchema(diagnosis),
    ok('rights', 'the role may read and write'),
    ...rest,
    await checkSecrets(config),
  ];
}

function failureOf(name: string, error: unknown): Check {
  // By name: the store is loaded late.
  const { reason = messageOf(error), remedy = 'look at the database' } = error as Partial<StoreUnavailableError>;
  return failed(name, reason, remedy);
}

function checkDatabase({ databaseUrl, dataDir, production }: Config, { server_version }: StoreDiagnosis): Check {
  if (databaseUrl !== undefined) return ok('database', `PostgreSQL ${server_version} answers`);
  const message = `the embedded database in ${dataDir}`;
  return production
    ? warning('database', `${message}, which does not sync its files to the disk`, 'set DATABASE_URL in production')
    : ok('database', message);
}

function checkSchema({ schema }: StoreDiagnosis): Check {
  const remedy = 'npx postcall migrate, with a role that may create tables';
  switch (schema) {
    case 'missing':
      return failed('schema', 'there are no tables yet', remedy);
    case 'outdated':
      return failed('schema', 'the tables are older than this version needs', remedy);
    case 'newer':
      return ok('schema', 'that of a newer version, which serves this one too');
    case 'current':
      return ok('schema', 'up to date');
  }
}

function checkFault({ fault }: StoreDiagnosis): Check[] {
  return fault ? [failureOf(fault.problem === 'rights' ? 'rights' : 'pooler', fault)] : [];
}

function checkSecrecy({ databaseUrl }: Config): Check[] {
  if (databaseUrl === undefined) return [];
  const { hostname, searchParams } = new URL(databaseUrl);
  const mode = searchParams.get('sslmode');
  if (!isRemote(hostname) || (mode !== null && mode !== 'disable')) return [];
  const remedy = 'add ?sslmode=verify-full to DATABASE_URL where the network is not yours';
  return [warning('database_tls', 'the database is reached without TLS', remedy)];
}

function checkClock({ clock_ahead_ms }: StoreDiagnosis): Check {
  const ahead = Math.round(clock_ahead_ms);
  const message = `the database's clock is ${Math.abs(ahead)} ms ${ahead < 0 ? 'behind' : 'ahead of'} this machine's`;
  return Math.abs(ahead) <= MAX_SKEW_MS ? ok('clock', message) : warning('clock', message, 'let NTP keep both');
}

async function checkSecrets(config: Config): Promise<Check> {
  const { openStore } = await import('../../../store/index.js');
  const store = await openStore(config);
  try {
    return judge(await store.inspectEncryption({ limit: MAX_ROWS }));
  } finally {
    await store.close();
  }
}

function judge({ newest, columns }: EncryptionReport): Check {
  const unknown = columns.flatMap(({ encrypted }) =>
    encrypted.filter(({ known }) => !known).map(({ key_id }) => key_id),
  );
  if (unknown.length > 0) {
    const message = `values are encrypted with ${[...new Set(unknown)].join(', ')}, and no key of that name is here`;
    return failed('secrets', message, 'add the key to POSTCALL_ENCRYPTION_KEYS');
  }
  const clear = columns.filter(({ in_the_clear }) => in_the_clear > 0);
  if (clear.length === 0) return ok('secrets', 'none is stored in the clear');
  const where = clear.map(
    ({ column, in_the_clear, complete }) => `${complete ? '' : 'at least '}${in_the_clear} in ${column}`,
  );
  const remedy =
    newest === null ? 'set POSTCALL_ENCRYPTION_KEYS, then run npx postcall reencrypt' : 'npx postcall reencrypt';
  return warning('secrets', `stored in the clear: ${where.join(', ')}`, remedy);
}
