import type { PostcallClient } from '../client/index.js';
import type { Store } from '../store/store.js';
import type { FirstAttemptsWaits } from './answers/first-attempts.js';

/** What routes use. */
export interface Dependencies {
  client: PostcallClient;
  store: Store;
  firstAttempts: FirstAttemptsWaits;
}
