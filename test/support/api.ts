import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { ApiOptions } from '../../api/index.js';
import { createApi } from '../../api/server.js';
import { freshUser, sharedTestStack, type TestStack, type TestStackOptions, testLogger } from './stack.js';

export interface Answer {
  status: number;
  headers: Headers;
  /** The body's bytes, as text. */
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what is in it
  body: any;
}

/** A user with an API key, at one address of the API. */
export interface ApiUser {
  userId: string;
  key: string;
  get(path: string): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

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

/** A user of a key, be it valid or not. */
export function userWith(url: string, userId: string, key: string): ApiUser {
  const authorization = `Bearer ${key}`;
  return {
    userId,
    key,
    get: (path) => send(url + path, { headers: { authorization } }),
    post: (path, body, headers) =>
      send(url + path, {
        method: 'POST',
        headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  };
}

export async function send(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const json = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
}
