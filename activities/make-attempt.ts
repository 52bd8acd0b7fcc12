import { setTimeout as delay } from 'node:timers/promises';
import type { Attempt, DeliveryInput } from '../contract/index.js';
import { StoreUnavailableError } from '../store/index.js';
import type { CloseRequest, CloseResult, NextStep, OpenedAttempt } from '../store/store.js';
import { type Dependencies, type Endpoint, endpointKey } from './dependencies.js';
import { attemptFailed, endpointBusy, finallyFailed, rejected } from './failures.js';
import { openAttempt, orStoreUnavailable } from './open-attempt.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { parseRetryAfter } from './retry-after.js';
import { nextDelay } from './retry-schedule.js';
import type { SendOutcome } from './send.js';

/** Between tries to record an attempt's end while the database is away. */
const CLOSE_RETRY_INTERVAL_MS = 500;

/** Makes one attempt: open, send, close. Returns it when the webhook is delivered, throws what became of it otherwise. */
export async function makeAttempt(deps: Dependencies, input: DeliveryInput): Promise<Attempt> {
  const endpoint = { user_id: input.user_id, url: await urlOf(deps, input) };
  const place = deps.endpointLimit.enter(endpointKey(endpoint));
  if ('busy' in place) throw endpointBusy(place.retry_in_ms);
  let durationMs: number | undefined;
  try {
    const opened = await openAttempt(deps, input);
    if (opened.kind === 'delivered') return opened.attempt;
    const sent = await deps.sender.send(opened);
    durationMs = sent.response_time_ms;
    return await recordEnd(deps, input, opened, sent, endpoint);
  } finally {
    place.leave(durationMs);
  }
}

async function urlOf({ store }: Dependencies, { webhook_url, user_id, call_id }: DeliveryInput): Promise<string> {
  if (webhook_url !== undefined) return webhook_url;
  const webhook = await orStoreUnavailable(store.getWebhook(user_id, call_id));
  if (!webhook) throw rejected('WebhookNotFound', call_id);
  return webhook.url;
}

async function recordEnd(
  deps: Dependencies,
  { batch_id, call_id }: DeliveryInput,
  opened: OpenedAttempt,
  sent: SendOutcome,
  endpoint: Endpoint,
): Promise<Attempt> {
  const { response_code, response_time_ms, error } = sent;
  const outcome = outcomeOf(sent);
  const next = nextStepOf(deps, opened, sent, outcome);
  const close = { seq: opened.seq, call_id, batch_id, response_code, response_time_ms, error, next };
  const { attempt, status } = await closeAttempt(deps, close);
  if (status === 'delivered') {
    deps.onDelivered?.(endpoint);
    return attempt;
  }
  const details = { response_code, endpoint_failed: outcome.kind === 'retry' && outcome.endpoint_failed };
  if (next.status === 'retrying') throw attemptFailed(describe(sent), next.delay_ms, details);
  throw finallyFailed(outcome.kind === 'gone' ? 'EndpointGone' : 'ScheduleUsedUp', describe(sent), details);
}

function nextStepOf(
  { retryPolicy }: Dependencies,
  opened: OpenedAttempt,
  sent: SendOutcome,
  outcome: Outcome,
): NextStep {
  if (outcome.kind === 'delivered') return { status: 'delivered' };
  if (outcome.kind === 'gone') return { status: 'failed', reason: describe(sent) };
  const now = Date.parse(opened.sent_at) + sent.response_time_ms;
  const retry_after_ms = sent.retry_after === null ? undefined : parseRetryAfter(sent.retry_after, Date.now());
  const delay = nextDelay(retryPolicy, {
    step: opened.step,
    elapsed_ms: now - Date.parse(opened.first_sent_at),
    random: Math.random(),
    response_code: sent.response_code,
    ...(retry_after_ms !== undefined && { retry_after_ms }),
  });
  return delay === 'used_up'
    ? { status: 'failed', reason: `retry schedule used up; last attempt: ${describe(sent)}` }
    : { status: 'retrying', ...delay };
}

const describe = ({ response_code, error }: SendOutcome): string => error ?? `the endpoint answered ${response_code}`;

/** Does not give up: what is not recorded would be sent again. */
async function closeAttempt({ store }: Dependencies, request: CloseRequest): Promise<CloseResult> {
  for (;;) {
    try {
      return await store.closeAttempt(request);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      await delay(CLOSE_RETRY_INTERVAL_MS);
    }
  }
}
