import { Agent, type buildConnector, Pool } from 'undici';
import type { AttemptEnd } from './attempt-end.js';
import { createEgressConnector } from './egress-connector.js';
import { parseNetworks } from './egress-guard.js';
import { type Lookup, shareLookups, systemLookup } from './lookup.js';
import { signatureHeaders } from './signing.js';
import { TrackedClient, type TrackedRequest } from './tracked-client.js';
import { MAX_HEAD_BYTES } from './tracked-connection.js';
import { UndiciHandler } from './undici-handler.js';

/** Milliseconds for which a connection is kept without traffic, at most; an endpoint's `keep-alive` may shorten it. */
const MAX_IDLE_MS = 30_000;

export interface SenderOptions {
  /** CIDRs that may be reached although they are private. */
  allowNetworks: readonly string[];
  /** CIDRs that may not be reached, allowed or public as they may be: such as a NAT64 prefix of the network's own. Default: none. */
  denyNetworks?: readonly string[];
  /** Milliseconds for one attempt in all: DNS, connection, headers and body. */
  timeoutMs: number;
  userAgent: string;
  /**
   * Kept connections to one origin. Default: as many as there are attempts in flight; what waits for one uses up its timeout.
   * A request that is repeated has a connection of its own.
   */
  connectionsPerOrigin?: number;
  /** Default: the operating system's resolver. */
  lookup?: Lookup;
  /** Certificate authorities (PEM) instead of Node.js's own. */
  ca?: string;
}

interface SendRequest {
  /** An absolute http or https URL, as the contract checks it. */
  url: string;
  /** Sent byte for byte, in UTF-8. */
  payload: string;
  webhook_id: string;
  /** Active signing secrets, newest first; without any, nothing is signed. */
  secrets: readonly string[];
  /** Of the attempt, or else of the request that asked for the webhook. */
  traceparent?: string;
}

export interface Sender {
  /**
   * Makes one POST and never follows a redirect. A kept connection may be closed before a byte of the response has come. It is replaced
   * once, within the same time; the endpoint may then get the request twice.
   *
   * Resolves however the endpoint behaves. Rejects only for a fault of this process (a closed sender, an illegal header).
   */
  send(request: SendRequest): Promise<AttemptEnd>;
  /** Lets what is in flight finish, then closes the connections. */
  close(): Promise<void>;
}

type AgentOptions = Agent.Options & { connect: buildConnector.connector };

function createAgent(options: AgentOptions): Agent {
  // A pool hands its options on to its clients as they are.
  const createClient = (origin: URL, clientOptions: object) =>
    new TrackedClient(origin, { ...clientOptions, connect: options.connect });
  const factory = (origin: string | URL, poolOptions: object) =>
    new Pool(origin, { ...poolOptions, factory: createClient });
  return new Agent({
    ...options,
    factory,
    maxHeaderSize: MAX_HEAD_BYTES,
    // The handler's own timer covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** Sends webhooks over kept-alive connections. Throws a TypeError when a list of networks holds something that is no network. */
export function createSender(options: SenderOptions): Sender {
  const { timeoutMs, userAgent } = options;
  const connect = createEgressConnector({
    allow: parseNetworks(options.allowNetworks),
    deny: parseNetworks(options.denyNetworks ?? []),
    lookup: shareLookups(options.lookup ?? systemLookup),
    timeoutMs,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  const kept = createAgent({
    connect,
    connections: options.connectionsPerOrigin ?? null,
    keepAliveMaxTimeout: MAX_IDLE_MS,
  });
  // Without keep-alive: one connection for each request.
  const fresh = createAgent({ connect, pipelining: 0 });

  const headersOf = (request: SendRequest, body: Buffer): string[] => {
    const timestamp = Math.floor(Date.now() / 1_000);
    return [
      'content-type',
      'application/json',
      'user-agent',
      userAgent,
      'webhook-id',
      request.webhook_id,
      'webhook-timestamp',
      String(timestamp),
      ...(request.traceparent === undefined ? [] : ['traceparent', request.traceparent]),
      ...signatureHeaders({ webhook_id: request.webhook_id, timestamp, body, secrets: request.secrets }),
    ];
  };

  return {
    async send(request) {
      const { origin, pathname, search } = new URL(request.url);
      const body = Buffer.from(request.payload);
      const headers = headersOf(request, body);
      const attempt: UndiciHandler = new UndiciHandler({ timeoutMs, repeat: () => fresh.dispatch(post, attempt) });
      const post: TrackedRequest & { origin: string } = {
        origin,
        path: pathname + search,
        method: 'POST',
        headers,
        body,
        onClient: (client) => attempt.onClient(client),
      };
      kept.dispatch(post, attempt);
      return attempt.end;
    },
    async close() {
      // In this order: what breaks off in the first is repeated in the second.
      await kept.close();
      await fresh.close();
    },
  };
}
