import type { Store } from '../store/store.js';
import type { CallSource } from './call-sources/call-source.js';
import type { EndpointLimit } from './endpoint-limit.js';
import type { RetryPolicy } from './retry-schedule.js';
import type { Sender } from './send.js';

/** What the activities use, wired by the worker. */
export interface Dependencies {
  store: Store;
  /** Where calls come from; absent: the store's `calls` table. */
  callSource?: CallSource;
  sender: Sender;
  /** Milliseconds that one attempt may take in all; the sender's own limit. */
  attemptTimeoutMs: number;
  retryPolicy: RetryPolicy;
  /** Attempts in flight per endpoint in this process. */
  endpointLimit: EndpointLimit;
  /** Told of each delivery, so that webhooks that wait for the same endpoint are woken. */
  onDelivered?: (endpoint: Endpoint) => void;
}

/** Attempts to one URL on behalf of one user share health, limits and wakes. */
export interface Endpoint {
  user_id: string;
  url: string;
}

export const endpointKey = ({ user_id, url }: Endpoint): string => `${user_id}\n${url}`;
