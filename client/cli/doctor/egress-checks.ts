import { createEgressConnector } from '../../../activities/egress-connector.js';
import { parseNetworks } from '../../../activities/egress-guard.js';
import { systemLookup } from '../../../activities/lookup.js';
import type { Config } from '../../../config/config.js';
import { messageOf } from '../../../contract/message-of.js';
import { type Check, failed, ok, skipped, warning } from './check.js';

const TIMEOUT_MS = 5_000;

/** Whether connections to these endpoints come about from here, through DNS, the egress guard and TLS. Nothing is sent on them. */
export async function checkEgress(config: Config, urls: readonly string[]): Promise<Check[]> {
  const open = config.allowNetworks.filter((network) => /\/0$/.test(network));
  const wide = open.map((network) =>
    warning(
      'egress',
      `POSTCALL_ALLOW_NETWORKS opens every private address with ${network}`,
      'name the networks that are meant',
    ),
  );
  if (urls.length === 0) return [...wide, skipped('egress', 'no endpoint was named with --url')];
  return [...wide, ...(await Promise.all(urls.map((url) => checkUrl(config, url))))];
}

async function checkUrl({ allowNetworks, denyNetworks }: Config, text: string): Promise<Check> {
  const { protocol, hostname, host, port } = new URL(text);
  const connector = createEgressConnector({
    allow: parseNetworks(allowNetworks),
    deny: parseNetworks(denyNetworks),
    lookup: systemLookup,
    timeoutMs: TIMEOUT_MS,
  });
  const error = await new Promise<Error | null>((resolve) => {
    connector({ protocol, hostname: hostname.replace(/^\[|\]$/g, ''), host, port }, (failure, socket) => {
      socket?.destroy();
      resolve(failure);
    });
  });
  if (!error) return ok('egress', `${protocol}//${host} can be reached`);
  const remedy = 'let workers reach it: DNS, firewall, certificate; a private address by POSTCALL_ALLOW_NETWORKS';
  return failed('egress', `${protocol}//${host}: ${messageOf(error)}`, remedy);
}
