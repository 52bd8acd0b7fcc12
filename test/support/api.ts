import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { type ApiOptions, type StartApiOptions, startApi } from '../../api/index.js';
import { createApi } from '../../api/server.js';
import type { Config } from '../../config/index.js';
import { type ApiUser, userWith } from './api-user.js';
import { freshUser, sharedTestStack, type TestStack, type TestStackOptions, testLogger } from './stack.js';

export { type Answer, type ApiUser, send, userWith } from './api-user.js';

export interface TestApi {
  stack: TestStack;
  app: ReturnType<typeof createApi>;
  /** Where the API listens. */
  url: string;
  newUser(): Promise<ApiUser>;
}

/** The API on a running stack, for all tests of a file: call it outside of them. */
export function sharedApi(options: TestStackOptions & Partial<ApiOptions> = {}): () => TestApi {
  const stackOf = sharedTestStack(options);
  let api: TestApi;
  beforeAll(async () => {
    api = await openTestApi(stackOf(), options);
  });
  afterAll(() => api.app.close());
  return () => api;
}

/** An API of the test's own, closed when the test ends. */
export async function startTestApi(stack: TestStack, options: Partial<ApiOptions> = {}): Promise<TestApi> {
  const api = await openTestApi(stack, options);
  onTestFinished(() => api.app.close());
  return api;
}

/** The caller closes it. */
export async function openTestApi(stack: TestStack, options: Partial<ApiOptions>): Promise<TestApi> {
  const { client, store } = stack;
  const app = createApi({ client, store, logger: testLogger(), rateLimit: 10_000, ...options });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { stack, app, url, newUser: () => newUser(store, url) };
}

/** The API as its process runs it, with a user; it ends with the test. */
export async function startOwnApi({ store, config }: TestStack, options: Partial<StartApiOptions> = {}) {
  const http: Config['http'] = { ...config.http, host: '127.0.0.1', port: 0 };
  const api = await startApi({ config: { ...config, http }, store, logger: testLogger(), ...options });
  onTestFinished(() => api.stop());
  return { api, url: api.url, user: await newUser(store, api.url) };
}

async function newUser(store: TestStack['store'], url: string): Promise<ApiUser> {
  const userId = freshUser();
  const { key } = await store.createApiKey(userId);
  return userWith(url, userId, key);
}
