import type { Attempt, Endpoint, Progress, Webhook } from '../../contract/index.js';

/** What the OpenAPI document shows. */

const delivered: Attempt = {
  sent_at: '2026-01-31T09:00:00.120Z',
  response_code: 200,
  response_time: '123ms',
  send_type: 'create',
  error: null,
};

const refused: Attempt = {
  sent_at: '2026-01-31T09:00:00.118Z',
  response_code: null,
  response_time: '2ms',
  send_type: 'create',
  error: 'connection refused',
};

const call = (call_id: string) => ({
  call_id,
  to: '+15550100',
  from: '+15550199',
  call_length: 1.5,
  concatenated_transcript: 'assistant: Hello. user: Please call me back.',
  summary: 'The customer wants a call back.',
});

const BATCH_ID = 'b_0f8fad5bd9cb469fa165708677289501.3f9a61c2';
export const ENDPOINT = 'https://example.com/hooks/post-call';

export const deliveredWebhook: Webhook = {
  call_id: 'c-17',
  payload: call('c-17'),
  url: ENDPOINT,
  user_id: 'acme',
  created_at: '2026-01-31T09:00:00.118Z',
  metadata: [delivered],
  status: 'delivered',
  next_attempt_at: null,
  batch_id: BATCH_ID,
  reason: null,
};

export const resentWebhook: Webhook = {
  ...deliveredWebhook,
  metadata: [delivered, { ...delivered, sent_at: '2026-01-31T10:30:00.007Z', send_type: 'resend' }],
};

export const retryingWebhook: Webhook = {
  ...deliveredWebhook,
  call_id: 'c-18',
  payload: call('c-18'),
  metadata: [refused],
  status: 'retrying',
  next_attempt_at: '2026-01-31T09:00:05.120Z',
};

export const failedWebhook: Webhook = {
  ...deliveredWebhook,
  call_id: 'c-19',
  payload: call('c-19'),
  metadata: [{ ...delivered, response_code: 410 }],
  status: 'failed',
  reason: 'the endpoint answered 410: it is gone',
};

export const progress: Progress = {
  batch_id: BATCH_ID,
  status: 'running',
  total: 3,
  delivered: 1,
  retrying: 1,
  failed: 0,
  rejected: 1,
  canceled: 0,
  pending: 0,
  endpoints: [{ url: ENDPOINT, state: 'down', since: '2026-01-31T09:00:12.310Z' }],
  started_at: '2026-01-31T09:00:00.042Z',
  finished_at: null,
};

export const downEndpoint: Endpoint = {
  url: ENDPOINT,
  state: 'down',
  since: '2026-01-31T09:00:12.310Z',
  waiting: 127,
  last_answer: { at: '2026-01-31T09:41:30.004Z', response_code: null, error: 'connection refused' },
  next_probe_at: '2026-01-31T09:42:00.004Z',
};

export const upEndpoint: Endpoint = {
  url: 'https://example.com/hooks/archive',
  state: 'up',
  since: '2026-01-12T14:03:51.872Z',
  waiting: 0,
  last_answer: { at: '2026-01-31T09:41:44.650Z', response_code: 200, error: null },
  next_probe_at: null,
};
