import { randomUUID } from 'node:crypto';
import { createHttpCallSource } from '../../../activities/call-sources/http.js';
import type { Config } from '../../../config/config.js';
import { messageOf } from '../../../contract/message-of.js';
import { type Check, failed, isRemote, ok, warning } from './check.js';

/** Asks the call source for a call that it cannot have. */
export async function checkCallSource({ calls: { url, apiKey } }: Config): Promise<Check[]> {
  if (url === undefined) return [ok('call_source', 'the calls table, or a source of the worker’s own')];
  const source = createHttpCallSource({ url, timeoutMs: 5_000, ...(apiKey !== undefined && { apiKey }) });
  try {
    await source.getCall(`postcall-doctor-${randomUUID()}`, { signal: AbortSignal.timeout(6_000) });
    return [ok('call_source', `${url} answers`), ...checkSecrecy(url, apiKey)];
  } catch (error) {
    return [
      failed(
        'call_source',
        `${url}: ${messageOf(error)}`,
        'correct CALLS_URL and CALLS_API_KEY, or bring the service up',
      ),
    ];
  } finally {
    await source.close();
  }
}

function checkSecrecy(text: string, apiKey: string | undefined): Check[] {
  const url = new URL(text);
  if (apiKey === undefined || url.protocol === 'https:' || !isRemote(url.hostname)) return [];
  return [warning('call_source_tls', 'CALLS_API_KEY is sent without TLS', 'use an https URL in CALLS_URL')];
}
