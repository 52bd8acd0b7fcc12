import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import { messageOf } from '../contract/message-of.js';
import { type Environment, environmentSchema } from './environment.js';
import { tlsProblems } from './tls-problems.js';
import { unknownVariables } from './unknown-variables.js';

/** Each wait is spread by up to this share in both directions, so that webhooks that failed together do not return together. */
const RETRY_JITTER = 0.2;

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
  const problems = tlsProblems(present);
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
    /** Undefined: workers are not versioned. */
    deployment:
      env.TEMPORAL_WORKER_BUILD_ID === undefined
        ? undefined
        : { name: env.TEMPORAL_DEPLOYMENT_NAME, buildId: env.TEMPORAL_WORKER_BUILD_ID },
    codecModule: env.POSTCALL_CODEC_MODULE,
    searchAttributes: env.POSTCALL_SEARCH_ATTRIBUTES,
    /** PostgreSQL; undefined: PGlite in `dataDir`. */
    databaseUrl: env.DATABASE_URL,
    dataDir: env.POSTCALL_DATA_DIR,
    /** Undefined: values are written in the clear. */
    encryption: env.POSTCALL_ENCRYPTION_KEYS,
    /** What finished batches leave is kept for so long; undefined: for ever. */
    retentionMs: env.POSTCALL_RETENTION,
    calls: callsConfig(env),
    http: {
      host: env.HOST,
      port: env.PORT,
      rateLimit: env.POSTCALL_RATE_LIMIT,
      trustProxy: env.POSTCALL_TRUST_PROXY,
    },
    apiKeys: env.POSTCALL_API_KEYS.map(splitApiKey),
    allowNetworks: env.POSTCALL_ALLOW_NETWORKS,
    denyNetworks: env.POSTCALL_DENY_NETWORKS,
    retryPolicy: {
      schedule_ms: env.POSTCALL_RETRY_SCHEDULE,
      horizon_ms: env.POSTCALL_RETRY_HORIZON,
      jitter: RETRY_JITTER,
    },
    attemptTimeoutMs: env.POSTCALL_ATTEMPT_TIMEOUT,
    maxInFlight: env.POSTCALL_MAX_IN_FLIGHT,
    probeInterval: env.POSTCALL_PROBE_INTERVAL,
    /** Of a worker's own HTTP server; without a port it has none. */
    metrics: { host: env.POSTCALL_METRICS_HOST, port: env.POSTCALL_METRICS_PORT },
    tracing: env.POSTCALL_TRACING,
    logLevel: env.LOG_LEVEL,
    production: env.NODE_ENV === 'production',
    /** The command line's user, where a command names none. */
    userId: env.POSTCALL_USER_ID,
    unknownVariables: unknownVariables(present),
  };
}

function withoutEmpty(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

const callsConfig = (env: Environment) => ({
  /** Undefined: calls come from the store's `calls` table, unless the worker is given a source of its own. */
  url: env.CALLS_URL,
  apiKey: env.CALLS_API_KEY,
  /** The owner of calls that name none; undefined: the user who asks. */
  userId: env.CALLS_USER_ID,
  /** The top-level field that is `true` once a record is complete; undefined: every record is. */
  readyField: env.CALLS_READY_FIELD,
  policy: {
    grace_ms: env.CALLS_GRACE,
    ready_timeout_ms: env.CALLS_READY_TIMEOUT,
    send_incomplete: env.CALLS_SEND_INCOMPLETE,
  },
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
    // A file that cannot be read has been named already.
    if (problems.length === 0) problems.push(`TEMPORAL_* ${messageOf(error)}`);
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
