import type { Logger } from 'pino';
import type { CallsOptions } from '../activities/dependencies.js';
import { type CallSource, createHttpCallSource } from '../activities/index.js';
import type { Config } from '../config/index.js';
import type { Store } from '../store/index.js';

interface OpenCalls {
  options: CallsOptions;
  close(): Promise<void>;
}

/** Where calls come from: a source of the operator's own, CALLS_URL, or, undefined, the store's `calls` table. */
export function openCalls(config: Config['calls'], own: CallSource | undefined): OpenCalls | undefined {
  const { url, apiKey, userId, readyField } = config;
  const http =
    own === undefined && url !== undefined
      ? createHttpCallSource({ url, ...(apiKey !== undefined && { apiKey }) })
      : undefined;
  const source = own ?? http;
  if (!source) return undefined;
  const options = {
    source,
    ...(userId !== undefined && { defaultUserId: userId }),
    ...(readyField !== undefined && { readyField }),
    policy: config.policy,
  };
  return { options, close: async () => http?.close() };
}

interface Wiring {
  config: Pick<Config, 'calls'>;
  callSource?: CallSource;
  store: Pick<Store, 'listApiKeys'>;
  logger: Pick<Logger, 'warn'>;
}

/** Where several users have keys, a call without an owner belongs to the first of them who asks. */
export async function warnOfOwnerlessCalls({ config, callSource, store, logger }: Wiring): Promise<void> {
  const { url, userId } = config.calls;
  if ((callSource === undefined && url === undefined) || userId !== undefined) return;
  const keys = await store.listApiKeys();
  const users = new Set(keys.flatMap(({ user_id, revoked_at }) => (revoked_at === null ? [user_id] : [])));
  if (users.size < 2) return;
  logger.warn(
    { users: users.size },
    'calls without a user_id are open to every user who names them: set CALLS_USER_ID to their owner',
  );
}
