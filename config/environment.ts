import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { DEFAULT_MAX_IN_FLIGHT, DEFAULT_TASK_QUEUE, DEFAULT_TEMPORAL_PORT, userIdSchema } from '../contract/index.js';
import { encryptionKeys } from './encryption-keys.js';
import {
  duration,
  durationRange,
  durations,
  flag,
  list,
  onOff,
  optionalDuration,
  optionalPort,
  port,
  wholeNumber,
} from './values.js';

const apiKey = z.string().regex(/^[^:]+:\S{16,}$/, 'must be user_id:key pairs, each key of at least 16 characters');
const network = z.string().refine((value) => ipaddr.isValidCIDR(value), 'must be CIDRs such as 10.0.0.0/8 or fd00::/8');
const address = z
  .string()
  .refine(
    (value) => ipaddr.isValid(value) || ipaddr.isValidCIDR(value),
    'must be addresses or CIDRs such as 10.1.2.3 or 10.0.0.0/8',
  );
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });
const databaseUrl = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'must be a URL such as postgres://user:password@host:5432/name',
});
const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error'], 'must be trace, debug, info, warn or error');
const text = () => z.string().optional();
/** Temporal's own reader would take any other value for false, and turn TLS off without a word. */
const tlsFlag = z.enum(['true', 'false', '1', '0'], 'must be true or false').optional();

/** All but the task queue are read by @temporalio/envconfig, as all of Temporal’s tools read them. */
const temporal = {
  TEMPORAL_ADDRESS: text().describe(
    '`host:port` of Temporal. Unset: `npm start` and `npm run demo` bring their own; worker, API and command line take 127.0.0.1 and `TEMPORAL_PORT`.',
  ),
  TEMPORAL_NAMESPACE: z.string().default('default').describe('Namespace.'),
  TEMPORAL_API_KEY: text().describe('API key of Temporal Cloud; turns TLS on.'),
  TEMPORAL_TLS: tlsFlag.describe("`true` turns TLS on, with the system's certificate authorities."),
  TEMPORAL_TLS_CLIENT_CERT_PATH: text().describe("File of the client's certificate."),
  TEMPORAL_TLS_CLIENT_KEY_PATH: text().describe("File of the client's key."),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: text().describe(
    "File of the certificate authority that the server's certificate is from.",
  ),
  TEMPORAL_TLS_SERVER_NAME: text().describe(
    "The name in the server's certificate, where it is not that of the address.",
  ),
  TEMPORAL_PROFILE: text().describe("A profile of Temporal's configuration file."),
  TEMPORAL_CONFIG_FILE: text().describe("Where that file is, when it is not where Temporal's tools look for it."),
  TEMPORAL_TASK_QUEUE: z.string().default(DEFAULT_TASK_QUEUE).describe('Task queue of the workers.'),
  POSTCALL_CODEC_MODULE: text().describe(
    "Module of payload codecs, for worker, API and command line: a path or a package's name. Its default export is one of Temporal's `PayloadCodec`s, or an array of them.",
  ),
  TEMPORAL_WORKER_BUILD_ID: text().describe(
    "The worker's build ID; turns worker versioning on (docs/production.md says how to upgrade then). Unset: off.",
  ),
  TEMPORAL_DEPLOYMENT_NAME: z
    .string()
    .default(DEFAULT_TASK_QUEUE)
    .describe("The worker deployment's name, where versioning is on."),
};

const database = {
  DATABASE_URL: databaseUrl
    .optional()
    .describe('`postgres://user:password@host:port/database`. Unset: PGlite in `POSTCALL_DATA_DIR`.'),
  POSTCALL_DATA_DIR: z
    .string()
    .default('.postcall')
    .describe('Folder of the embedded database and the embedded Temporal server.'),
  POSTCALL_ENCRYPTION_KEYS: encryptionKeys().describe(
    '`name:key` pairs, newest first, with which signing secrets and payloads are encrypted; each key is 32 bytes in base64. With `clear` in front they only read. Unset: values are written in the clear ([security.md](security.md#secrets-at-rest)).',
  ),
  POSTCALL_RETENTION: optionalDuration({ max: '3650d' }).describe(
    'how long the database keeps what finished batches leave: `npx postcall setup` makes a Schedule that removes it every night. Unset: nothing is removed by itself.',
  ),
};

const calls = {
  CALLS_URL: httpUrl
    .optional()
    .describe('Calls are read from `GET {CALLS_URL}/{call_id}`. Unset: from the `calls` table.'),
  CALLS_API_KEY: text().describe('`authorization` header of these requests.'),
  CALLS_USER_ID: userIdSchema.optional().describe('Owner of calls that name none. Unset: the user who asks.'),
  CALLS_GRACE: duration('5s', { min: 0, max: '1h' }).describe(
    'For how long after the request a call that is not there is asked for again.',
  ),
  CALLS_READY_FIELD: text().describe(
    'A top-level field, such as `completed`, that must be true before a call is sent. Unset: every record is complete.',
  ),
  CALLS_READY_TIMEOUT: duration('10m', { max: '1d' }).describe(
    'For how long after the request that field is waited for.',
  ),
  CALLS_SEND_INCOMPLETE: flag().describe(
    'Where `true`, a call that is not complete by then is sent as it is, and not failed.',
  ),
};

const api = {
  HOST: z.string().default('127.0.0.1').describe('Address on which the API listens.'),
  PORT: port(8787).describe('Its port; with 0 any free one.'),
  POSTCALL_API_KEYS: list(apiKey).describe(
    '`user_id:key` pairs for a first start, each key of at least 16 characters; `npx postcall keys` manages them afterwards.',
  ),
  POSTCALL_RATE_LIMIT: wholeNumber(500, { min: 1, max: 1_000_000 }).describe(
    'Requests a second for each API key and API process.',
  ),
  POSTCALL_TRUST_PROXY: list(address).describe(
    "Addresses or CIDRs of the proxies in front of the API. From them the client's address is taken from `x-forwarded-for`; unset, that header is ignored.",
  ),
};

const delivery = {
  POSTCALL_RETRY_SCHEDULE: durations('5s,30s,2m,5m,15m,30m,1h').describe(
    'Waits after failed attempts, each ±20 %; the last one repeats.',
  ),
  POSTCALL_RETRY_HORIZON: duration('72h', { max: '30d' }).describe(
    'No attempt is made later than this after the request was accepted.',
  ),
  POSTCALL_ATTEMPT_TIMEOUT: duration('15s', { max: '2m' }).describe('For one attempt in all.'),
  POSTCALL_MAX_IN_FLIGHT: wholeNumber(DEFAULT_MAX_IN_FLIGHT, { min: 1, max: 500 }).describe(
    'Attempts of one worker in flight to one origin (scheme, host and port) of a user.',
  ),
  POSTCALL_PROBE_INTERVAL: durationRange('5s,30s', { max: '1d' }).describe(
    'How often an endpoint that fails is tried by one of the webhooks that wait for it: after a fifth of the time for which it has failed, within these bounds. One duration: a fixed interval.',
  ),
  POSTCALL_ALLOW_NETWORKS: list(network).describe('CIDRs that may be reached although they are private.'),
  POSTCALL_DENY_NETWORKS: list(network).describe(
    "CIDRs that may never be reached, allowed or public, such as a NAT64 prefix of your network's own; wins over `POSTCALL_ALLOW_NETWORKS`.",
  ),
};

const observability = {
  POSTCALL_SEARCH_ATTRIBUTES: onOff('on').describe(
    '`off`: workflows carry no search attributes, which name users and hosts in the clear.',
  ),
  LOG_LEVEL: logLevel
    .default('info')
    .describe('`trace`, `debug`, `info`, `warn` or `error`; at `debug` workflows have stack traces too.'),
  NODE_ENV: text().describe('With `production` logs are JSON lines.'),
  POSTCALL_METRICS_PORT: optionalPort().describe(
    "Port of a worker's HTTP server for `/healthz`, `/readyz` and `/metrics`. Unset: it has none. The API serves them on its own port.",
  ),
  POSTCALL_TRACING: z
    .enum(['off', 'traceparent', 'spans'], 'must be off, traceparent or spans')
    .default('off')
    .describe(
      '`traceparent`: the API takes that header of a request that starts a batch, and its webhooks carry it. `spans`: worker and API make spans besides, and export them by OTLP ([observability.md](observability.md#traces)).',
    ),
  POSTCALL_METRICS_HOST: z.string().default('127.0.0.1').describe('Address on which that server listens.'),
};

const commandLine = {
  POSTCALL_USER_ID: text().describe('Default of `--user-id`.'),
};

const embedded = {
  TEMPORAL_CLI_PATH: text().describe('A `temporal` binary to use. Unset: one from `PATH`, downloaded or built.'),
  TEMPORAL_PORT: port(DEFAULT_TEMPORAL_PORT).describe('Its gRPC port.'),
  TEMPORAL_UI_PORT: port(8233).describe("Its Web UI's port."),
};

/** The variables by subject, in the order in which docs/configuration.md lists them. */
export const SUBJECTS = {
  Temporal: temporal,
  Database: database,
  'Where calls come from': calls,
  'HTTP API': api,
  Delivery: delivery,
  'Logs and metrics': observability,
  'Command line': commandLine,
  'Embedded Temporal server': embedded,
};

/** Every variable, for worker, API, command line and the embedded stack alike. Each has a description: docs/configuration.md is made of them. */
export const environmentSchema = z.object({
  ...temporal,
  ...database,
  ...calls,
  ...api,
  ...delivery,
  ...observability,
  ...commandLine,
  ...embedded,
});
export type Environment = z.infer<typeof environmentSchema>;
