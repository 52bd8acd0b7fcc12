import { z } from 'zod';

/** Why an attempt was made: its batch was created, or sends the webhook again. */
export const SEND_TYPES = ['create', 'resend'] as const;
export type SendType = (typeof SEND_TYPES)[number];

/**
 * Where a webhook stands: `pending` (no attempt has finished), `retrying`, `delivered` (a 2xx came),
 * `failed` (final: schedule used up, or the endpoint is gone), `canceled`.
 */
export const WEBHOOK_STATUSES = ['pending', 'retrying', 'delivered', 'failed', 'canceled'] as const;
export type WebhookStatus = (typeof WEBHOOK_STATUSES)[number];

/** The `error` of an attempt whose end was not recorded in time: its worker died or lost the database. */
export const INTERRUPTED = 'interrupted';

/** Whether a status tells of the endpoint as a whole, and not of this one webhook: 429 and 5xx. */
export const isEndpointFailure = (responseCode: number): boolean =>
  responseCode === 429 || (responseCode >= 500 && responseCode < 600);

/** One finished send attempt, as the public API shows it. */
export const attemptSchema = z
  .object({
    sent_at: z.iso.datetime().describe('When the attempt was sent: ISO 8601, UTC, milliseconds.'),
    response_code: z.int().nullable().describe("The endpoint's HTTP status; null when no whole response came."),
    response_time: z
      .string()
      .describe('Milliseconds until the response, or until the attempt ended without one: "123ms".'),
    send_type: z.enum(SEND_TYPES),
    error: z.string().nullable().describe('Why there is no response code, when there is none.'),
  })
  .meta({ title: 'Attempt' });
export type Attempt = z.infer<typeof attemptSchema>;

/** One call's webhook as the API shows it, with every finished attempt, oldest first. */
export const webhookSchema = z
  .object({
    call_id: z.string(),
    payload: z
      .record(z.string(), z.unknown())
      .describe('Exactly what was, or will be, sent; empty until the call has been read.'),
    url: z.string(),
    user_id: z.string(),
    created_at: z.iso.datetime(),
    metadata: z.array(attemptSchema),
    status: z.enum(WEBHOOK_STATUSES),
    next_attempt_at: z.iso.datetime().nullable().describe('When the next attempt is due; null when none is planned.'),
    batch_id: z.string().describe('The batch that last sent it.'),
    reason: z.string().nullable().describe('Why it is failed or canceled; null otherwise.'),
  })
  .meta({ title: 'Webhook' });
export type Webhook = z.infer<typeof webhookSchema>;

/** A webhook as it is stored: its payload is the very text that is sent, null until the call has been read. */
export interface StoredWebhook extends Omit<Webhook, 'payload'> {
  payload: string | null;
}

/** The webhook's JSON, its payload embedded as the stored text, so that no number, key or escape in it is changed. */
export function webhookJson({ call_id, payload, ...rest }: StoredWebhook): string {
  const others = JSON.stringify(rest).slice(1);
  return `{"call_id":${JSON.stringify(call_id)},"payload":${payload ?? '{}'},${others}`;
}
