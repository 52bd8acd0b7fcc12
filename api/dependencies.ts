import type { PostcallClient } from '../client/index.js';
import type { Store } from '../store/store.js';

/** What routes use. */
export interface Dependencies {
  client: PostcallClient;
  store: Store;
}
