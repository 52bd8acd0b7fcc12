import { Agent, type Dispatcher } from 'undici';
import { parseRetryAfter } from '../retry-after.js';
import { type Call, type CallSource, CallSourceError } from './call-source.js';

/** A larger call is refused: it would be held in memory, stored and sent whole. */
const MAX_CALL_BYTES = 10 * 1024 * 1024;

export interface HttpCallSourceOptions {
  /** Calls are at `{url}/{call_id}`; a query in it is kept. */
  url: string;
  /** Value of the `authorization` header. */
  apiKey?: string;
  /** Milliseconds for one answer in all. Default 10,000. */
  timeoutMs?: number;
}

export interface HttpCallSource extends CallSource {
  close(): Promise<void>;
}

type Response = Dispatcher.ResponseData<null>;

/** URLs resolve these two away however they are escaped, so that they would name the folder and not a call in it. */
const isDotSegment = (callId: string): boolean => callId === '.' || callId === '..';

/** A function from call IDs to URLs. */
function callUrls(base: string): (callId: string) => URL {
  const root = new URL(base);
  const folder = root.pathname.replace(/\/+$/, '');
  return (callId) => {
    const url = new URL(root);
    url.pathname = `${folder}/${encodeURIComponent(callId)}`;
    return url;
  };
}

const codeOf = (error: unknown): string =>
  error instanceof Error
    ? 'code' in error && typeof error.code === 'string'
      ? error.code
      : error.name
    : 'unknown error';

function networkError(error: unknown, timeoutMs: number, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return new CallSourceError('the request to the call source was canceled', { cause: error });
  switch (codeOf(error)) {
    case 'TimeoutError':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return new CallSourceError(`the call source did not answer within ${timeoutMs} ms`, { cause: error });
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return new CallSourceError(`the call source answered with more than ${MAX_CALL_BYTES} bytes`, { cause: error });
    default:
      return new CallSourceError(`the call source cannot be reached: ${codeOf(error)}`, { cause: error });
  }
}

function statusError({ statusCode, headers }: Response): CallSourceError {
  if (statusCode === 401 || statusCode === 403) {
    return new CallSourceError(`the call source answered ${statusCode}: check CALLS_API_KEY`);
  }
  const header = headers['retry-after'];
  const retry_after_ms = typeof header === 'string' ? parseRetryAfter(header, Date.now()) : undefined;
  return new CallSourceError(`the call source answered ${statusCode}`, { retry_after_ms });
}

function parseCall(callId: string, text: string): Call {
  const data = parseJson(text);
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new CallSourceError('the call source answered with JSON that is not an object');
  }
  const record = data as Record<string, unknown>;
  const { user_id } = record;
  return { call_id: callId, data: record, ...(typeof user_id === 'string' ? { user_id } : {}) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new CallSourceError('the call source answered with something that is not JSON');
  }
}

/**
 * Calls from an HTTP API that answers as Bland's `GET /v1/calls/{call_id}` does. It is the operator's own service: private
 * networks may be reached, and redirects are not followed.
 */
export function createHttpCallSource({ url, apiKey, timeoutMs = 10_000 }: HttpCallSourceOptions): HttpCallSource {
  const urlOf = callUrls(url);
  // An abort does not reach a request that still waits for its connection: hence the connect timeout.
  const agent = new Agent({ maxResponseSize: MAX_CALL_BYTES, connect: { timeout: timeoutMs } });
  const headers = { accept: 'application/json', ...(apiKey === undefined ? {} : { authorization: apiKey }) };

  const fetchText = async (callId: string, signal: AbortSignal): Promise<string | undefined> => {
    const { origin, pathname, search } = urlOf(callId);
    const response = await agent.request({ origin, path: pathname + search, method: 'GET', headers, signal });
    if (response.statusCode === 200) return response.body.text();
    await response.body.dump({ limit: 16 * 1024, signal });
    if (response.statusCode === 404) return undefined;
    throw statusError(response);
  };

  return {
    async getCall(callId, { signal } = {}) {
      if (isDotSegment(callId)) return undefined;
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        const text = await fetchText(callId, signal ? AbortSignal.any([signal, timeout]) : timeout);
        return text === undefined ? undefined : parseCall(callId, text);
      } catch (error) {
        throw error instanceof CallSourceError ? error : networkError(error, timeoutMs, signal);
      }
    },
    close: () => agent.close(),
  };
}
