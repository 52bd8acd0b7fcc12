import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { DEFAULT_MAX_IN_FLIGHT, DEFAULT_TASK_QUEUE, userIdSchema } from '../contract/index.js';
import { duration, durations, flag, list, optional, port, wholeNumber } from './config-values.js';

/** Attempts longer than this would outlive the activity's own timeout. */
const MAX_ATTEMPT_TIMEOUT_MS = 120_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const apiKey = z.string().regex(/^[^:]+:\S{16,}$/, 'must be user_id:key pairs, each key of at least 16 characters');
const network = z.string().refine((value) => ipaddr.isValidCIDR(value), 'must be CIDRs such as 10.0.0.0/8 or fd00::/8');
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });
const databaseUrl = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'must be a URL such as postgres://user:password@host:5432/name',
});

const environmentSchema = z.object({
  TEMPORAL_CLI_PATH: optional(z.string()),
  TEMPORAL_TASK_QUEUE: z.string().default(DEFAULT_TASK_QUEUE),
  TEMPORAL_PORT: port(7233),
  TEMPORAL_UI_PORT: port(8233),
  DATABASE_URL: optional(databaseUrl),
  POSTCALL_DATA_DIR: z.string().default('.postcall'),
  CALLS_URL: optional(httpUrl),
  CALLS_API_KEY: optional(z.string()),
  CALLS_USER_ID: optional(userIdSchema),
  CALLS_GRACE: duration('5s', { min: 0, max: HOUR_MS }),
  CALLS_READY_FIELD: optional(z.string()),
  CALLS_READY_TIMEOUT: duration('10m', { max: DAY_MS }),
  CALLS_SEND_INCOMPLETE: flag(),
  HOST: z.string().default('127.0.0.1'),
  PORT: port(8787),
  POSTCALL_API_KEYS: list(apiKey),
  POSTCALL_ALLOW_NETWORKS: list(network),
  POSTCALL_DENY_NETWORKS: list(network),
  POSTCALL_RETRY_SCHEDULE: durations('5s,30s,2m,5m,15m,30m,1h'),
  POSTCALL_RETRY_HORIZON: duration('72h', { max: 30 * DAY_MS }),
  POSTCALL_ATTEMPT_TIMEOUT: duration('15s', { max: MAX_ATTEMPT_TIMEOUT_MS }),
  POSTCALL_MAX_IN_FLIGHT: wholeNumber(DEFAULT_MAX_IN_FLIGHT, { min: 1, max: 500 }),
  POSTCALL_PROBE_INTERVAL: duration('30s', { max: DAY_MS }),
  POSTCALL_RATE_LIMIT: wholeNumber(500, { min: 1, max: 1_000_000 }),
  POSTCALL_METRICS_PORT: optional(port()),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'], 'must be trace, debug, info, warn or error')
    .default('info'),
});

/** Everything that the environment decides, read once at the edge. Durations are in milliseconds. */
export type Config = ReturnType<typeof loadConfig>;

/** Every variable that is wrong, one line each. Nothing was started. */
export class InvalidConfigError extends Error {
  override readonly name = 'InvalidConfigError';
  readonly problems: string[];

  constructor(problems: string[]) {
    super(`the configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Reads and checks the configuration. Empty variables count as unset. @throws InvalidConfigError */
export function loadConfig(environment: NodeJS.ProcessEnv) {
  const present = withoutEmpty(environment);
  const problems: string[] = [];
  const temporal = loadTemporal(present, problems);
  const parsed = environmentSchema.safeParse(present);
  if (!parsed.success)
    problems.push(...parsed.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`));
  if (!parsed.success || problems.length > 0) throw new InvalidConfigError(problems);
  const env = parsed.data;
  return {
    temporal: temporal ?? embeddedTemporal(env.TEMPORAL_PORT),
    /** For the embedded dev server, which is meant where no address is configured. */
    embedded: {
      used: temporal === undefined,
      cliPath: env.TEMPORAL_CLI_PATH,
      port: env.TEMPORAL_PORT,
      uiPort: env.TEMPORAL_UI_PORT,
    },
    taskQueue: env.TEMPORAL_TASK_QUEUE,
    /** PostgreSQL; undefined: PGlite in `dataDir`. */
    databaseUrl: env.DATABASE_URL,
    dataDir: env.POSTCALL_DATA_DIR,
    calls: callsConfig(env),
    http: { host: env.HOST, port: env.PORT, rateLimit: env.POSTCALL_RATE_LIMIT },
    apiKeys: env.POSTCALL_API_KEYS.map(splitApiKey),
    allowNetworks: env.POSTCALL_ALLOW_NETWORKS,
    denyNetworks: env.POSTCALL_DENY_NETWORKS,
    retry: { scheduleMs: env.POSTCALL_RETRY_SCHEDULE, horizonMs: env.POSTCALL_RETRY_HORIZON },
    attemptTimeoutMs: env.POSTCALL_ATTEMPT_TIMEOUT,
    maxInFlight: env.POSTCALL_MAX_IN_FLIGHT,
    probeIntervalMs: env.POSTCALL_PROBE_INTERVAL,
    metricsPort: env.POSTCALL_METRICS_PORT,
    logLevel: env.LOG_LEVEL,
    production: present.NODE_ENV === 'production',
  };
}

function withoutEmpty(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

const callsConfig = (env: z.infer<typeof environmentSchema>) => ({
  /** Undefined: calls come from the store's `calls` table, unless the worker is given a source of its own. */
  url: env.CALLS_URL,
  apiKey: env.CALLS_API_KEY,
  /** The owner of calls that name none; undefined: whoever asks. */
  userId: env.CALLS_USER_ID,
  /** From acceptance on, as long as an absent record is asked for again. */
  graceMs: env.CALLS_GRACE,
  /** The top-level field that is `true` once a record is complete; undefined: every record is. */
  readyField: env.CALLS_READY_FIELD,
  /** From acceptance on, as long as a record that is not complete is asked for again. */
  readyTimeoutMs: env.CALLS_READY_TIMEOUT,
  sendIncomplete: env.CALLS_SEND_INCOMPLETE,
});

const embeddedTemporal = (port: number): TemporalConfig => ({
  connectionOptions: { address: `127.0.0.1:${port}` },
  namespace: 'default',
});

function loadTemporal(environment: Record<string, string>, problems: string[]): TemporalConfig | undefined {
  try {
    const loaded = loadClientConnectConfig({ overrideEnvVars: environment });
    if (loaded.connectionOptions.address === undefined) return undefined;
    return { ...loaded, namespace: loaded.namespace ?? 'default' };
  } catch (error) {
    problems.push(`TEMPORAL_* ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

export interface TemporalConfig extends ClientConnectConfig {
  namespace: string;
}

function splitApiKey(pair: string): { userId: string; key: string } {
  const at = pair.indexOf(':');
  return { userId: pair.slice(0, at), key: pair.slice(at + 1) };
}
