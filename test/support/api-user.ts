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
