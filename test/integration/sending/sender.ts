import { expect, onTestFinished } from 'vitest';
import type { AttemptEnd } from '../../../activities/attempt-end.js';
import { createSender, type SenderOptions } from '../../../activities/send.js';

export const LOOPBACK = ['127.0.0.0/8'];
export const PAYLOAD = '{"call_id":"call-1","summary":"Zoë said: “ok” 👍"}';

/** A function that sends one payload; its sender is closed when the test ends. */
export function startSender(options: Partial<SenderOptions> = {}) {
  const sender = createSender({
    allowNetworks: LOOPBACK,
    timeoutMs: 5_000,
    userAgent: 'postcall-webhooks/test',
    ...options,
  });
  onTestFinished(() => sender.close());
  return (
    url: string,
    request: { payload?: string; webhook_id?: string; secrets?: string[] } = {},
  ): Promise<AttemptEnd> => sender.send({ url, payload: PAYLOAD, webhook_id: 'msg_1', secrets: [], ...request });
}

/** An attempt that brought a status. */
export const answered = (response_code: number, retry_after_ms: number | null = null) => ({
  response_code,
  response_time_ms: expect.any(Number),
  error: null,
  error_kind: null,
  retry_after_ms,
});

/** An attempt that brought none. */
export const failed = (error_kind: string, error: string | RegExp) => ({
  response_code: null,
  response_time_ms: expect.any(Number),
  error: typeof error === 'string' ? error : expect.stringMatching(error),
  error_kind,
  retry_after_ms: null,
});
