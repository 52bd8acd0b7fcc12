import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { ApiOptions } from '../../api/index.js';
import { createApi } from '../../api/server.js';
import { type ApiUser, userWith } from './api-user.js';
import { freshUser, sharedTestStack, type TestStack, type TestStackOptions, testLogger } from './stack.js';

export { type Answer, type ApiUser, send, userWith } from './api-user.js';

export interface TestApi {
  stack: TestStack;
  /** Where the API listens. */
  url: string;
  newUser(): Promise<ApiUser>;
}

/** The API on a running stack, for all tests of a file: call it outside of them. */
export function sharedApi(options: TestStackOptions & Partial<ApiOptions> = {}): () => TestApi {
  const stackOf = sharedTestStack(options);
  let url = '';
  let app: ReturnType<typeof createApi>;
  beforeAll(async () => {
    const { client, store } = stackOf();
    app = createApi({ client, store, logger: testLogger(), rateLimit: 10_000, ...options });
    url = await app.listen({ port: 0 });
  });
  afterAll(() => app.close());
  return () => ({ stack: stackOf(), url, newUser: () => newUser(stackOf().store, url) });
}

/** An API of the test's own, closed when the test ends. */
export async function startTestApi(stack: TestStack, options: Partial<ApiOptions> = {}) {
  const { client, store } = stack;
  const app = createApi({ client, store, logger: testLogger(), rateLimit: 10_000, ...options });
  onTestFinished(() => app.close());
  const url = await app.listen({ port: 0 });
  return { app, stack, url, newUser: () => newUser(store, url) };
}

async function newUser(store: TestStack['store'], url: string): Promise<ApiUser> {
  const userId = freshUser();
  const { key } = await store.createApiKey(userId);
  return userWith(url, userId, key);
}
