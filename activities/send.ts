import { Agent } from 'undici';
import { AttemptHandler, type SendOutcome } from './attempt-handler.js';
import { createEgressConnector } from './egress-connector.js';
import { parseNetworks } from './egress-guard.js';
import { type Lookup, shareLookups, systemLookup } from './lookup.js';
import { signatureHeaders } from './signing.js';

export type { SendOutcome } from './attempt-handler.js';

const MAX_HEADER_BYTES = 16 * 1024;

export interface SenderOptions {
  /** CIDRs that may be reached although they are private. */
  allowNetworks: readonly string[];
  /** Milliseconds for one attempt in all: DNS, connection, headers and body. */
  timeoutMs: number;
  userAgent: string;
  /** Connections to one origin. Default: as many as there are attempts in flight; what waits for one uses up its timeout. */
  connectionsPerEndpoint?: number;
  /** Default: the operating system's resolver. */
  lookup?: Lookup;
  /** Certificate authorities (PEM) instead of Node.js's own. */
  ca?: string;
}

export interface SendRequest {
  /** An absolute http or https URL, as the contract checks it. */
  url: string;
  /** Sent byte for byte, in UTF-8. */
  payload: string;
  webhook_id: string;
  /** Active signing secrets, newest first; without any, nothing is signed. */
  secrets: readonly string[];
}

export interface Sender {
  /**
   * Makes one POST and never follows a redirect. Resolves however the endpoint behaves; rejects only when the request could
   * not be made at all because of a fault in this process (a closed sender, an illegal header).
   */
  send(request: SendRequest): Promise<SendOutcome>;
  /** Lets what is in flight finish, then closes the connections. */
  close(): Promise<void>;
}

/** Sends webhooks over kept-alive connections. Throws a TypeError when `allowNetworks` holds something that is no network. */
export function createSender(options: SenderOptions): Sender {
  const { timeoutMs, userAgent } = options;
  const agent = new Agent({
    connect: createEgressConnector({
      allow: parseNetworks(options.allowNetworks),
      lookup: shareLookups(options.lookup ?? systemLookup),
      timeoutMs,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    }),
    connections: options.connectionsPerEndpoint ?? null,
    maxHeaderSize: MAX_HEADER_BYTES,
    // The handler's own timer covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

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
      ...signatureHeaders({ webhook_id: request.webhook_id, timestamp, body, secrets: request.secrets }),
    ];
  };

  return {
    async send(request) {
      const { origin, pathname, search } = new URL(request.url);
      const body = Buffer.from(request.payload);
      const headers = headersOf(request, body);
      const attempt = new AttemptHandler(timeoutMs);
      agent.dispatch({ origin, path: pathname + search, method: 'POST', headers, body }, attempt);
      return attempt.outcome;
    },
    close: () => agent.close(),
  };
}
