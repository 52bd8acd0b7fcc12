import { Agent, type Dispatcher } from 'undici';
import { MAX_CALL_BYTES, tooLarge } from '../../contract/call-record.js';
import { withTimeOut } from '../../contract/time-out.js';
import { parseRetryAfter } from '../retry-after.js';
import { type CallSource, CallSourceError, CallUnusableError } from './call-source.js';

/** The source as a whole does not answer now, or does not let us in. */
const AWAY = [401, 403, 408, 425, 429];

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

function networkError(error: unknown, timeoutMs: number, signal: AbortSignal): Error {
  if (signal.aborted) return new CallSourceError('the request to the call source was canceled', { cause: error });
  switch (codeOf(error)) {
    case 'TimeoutError':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return new CallSourceError(`the call source did not answer within ${timeoutMs} ms`, { cause: error });
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return tooLarge();
    default:
      return new CallSourceError(`the call source cannot be reached: ${codeOf(error)}`, { cause: error });
  }
}

function statusError({ statusCode, headers }: Response): Error {
  if (statusCode === 401 || statusCode === 403) {
    return new CallSourceError(`the call source answered ${statusCode}: check CALLS_API_KEY`);
  }
  const message = `the call source answered ${statusCode}`;
  if (statusCode < 500 && !AWAY.includes(statusCode)) return new CallUnusableError(message);
  const header = headers['retry-after'];
  const retry_after_ms = typeof header === 'string' ? parseRetryAfter(header, Date.now()) : undefined;
  return new CallSourceError(message, { retry_after_ms });
}

/** A byte order mark is not part of the text. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

function decoded(bytes: ArrayBuffer): string {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    throw new CallUnusableError('the call is not UTF-8', { cause: error });
  }
}

const timeUp = () => new DOMException('the time is up', 'TimeoutError');

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
    if (response.statusCode === 200) return decoded(await response.body.arrayBuffer());
    await response.body.dump({ limit: 16 * 1024, signal });
    if (response.statusCode === 404) return undefined;
    throw statusError(response);
  };

  return {
    async getCall(callId, { signal }) {
      if (isDotSegment(callId)) return undefined;
      try {
        const text = await withTimeOut(timeoutMs, (own) => fetchText(callId, own), { reason: timeUp, outer: signal });
        return text === undefined ? undefined : { call_id: callId, data: text };
      } catch (error) {
        if (error instanceof CallSourceError || error instanceof CallUnusableError) throw error;
        throw networkError(error, timeoutMs, signal);
      }
    },
    close: () => agent.close(),
  };
}
