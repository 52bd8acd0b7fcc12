import { setTimeout as delay } from 'node:timers/promises';
import type { CallStanding, DeliveryEnd, DeliveryInput } from '../contract/index.js';
import { isDataError, StoreUnavailableError } from '../store/index.js';
import type { CloseRequest, CloseResult, NextStep, OpenedAttempt, OpenRequest } from '../store/store.js';
import type { Dependencies } from './dependencies.js';
import { Isolation } from './isolation.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { readCall } from './read-call.js';
import type { ReadLimit } from './read-limit.js';
import { decideReading } from './read-policy.js';
import { parseRetryAfter } from './retry-after.js';
import { nextDelay } from './retry-schedule.js';
import type { RunningAttempt } from './running-attempts.js';
import type { SendOutcome } from './send.js';

/** Between tries to record an attempt's end while that fails. */
const CLOSE_RETRY_INTERVAL_MS = 500;

/** What attempts of one process share. */
export interface AttemptShare {
  isolation: Isolation;
  reads: ReadLimit;
}

/**
 * Makes at most one attempt: open, send, close. Answers what became of it; what belongs to everyday life is no error.
 *
 * @throws what must not happen, such as a statement that the database refuses.
 */
export async function makeAttempt(
  deps: Dependencies,
  share: AttemptShare,
  input: DeliveryInput,
  attempt: RunningAttempt,
): Promise<DeliveryEnd> {
  const place = deps.endpointLimit.enter(input.endpoint.origin);
  if ('busy' in place) return { kind: 'busy', due_in: place.retry_in_ms };
  let durationMs: number | undefined;
  await share.isolation.enter();
  try {
    const opened = await open(deps, share, input, attempt);
    if (opened.kind !== 'opened') return opened;
    attempt.startSending();
    place.begin();
    const sent = await deps.sender.send(opened);
    durationMs = sent.response_time_ms;
    return await recordEnd(deps, input, opened, sent);
  } catch (error) {
    if (error instanceof StoreUnavailableError) return { kind: 'store_away' };
    throw error;
  } finally {
    share.isolation.leave();
    place.leave(durationMs);
  }
}

async function open(
  deps: Dependencies,
  share: AttemptShare,
  input: DeliveryInput,
  attempt: RunningAttempt,
): Promise<OpenedAttempt | DeliveryEnd> {
  const { batch_id, user_id, call_id, send_type, ordered = false } = input;
  const request: OpenRequest = { batch_id, user_id, call_id, send_type, ordered, timeout_ms: deps.attemptTimeoutMs };
  const result = await deps.store.openAttempt(request);
  switch (result.kind) {
    case 'opened':
    case 'too_early':
      return result;
    case 'standing':
      return endOfStanding(result.standing);
    case 'open_elsewhere':
      return { kind: 'slow' };
    case 'suspect':
      return openSuspect(deps, share, request, result);
    case 'needs_payload':
      return readAndOpen(deps, share, input, request, Date.parse(result.accepted_at), attempt);
  }
}

/** Where a webhook stands that was not opened, as the end of this execution. */
function endOfStanding(standing: CallStanding): DeliveryEnd {
  switch (standing.status) {
    case 'delivered':
      return { kind: 'delivered' };
    case 'rejected':
      return { kind: 'rejected', error: standing.error };
    case 'failed':
    case 'canceled':
      return { kind: standing.status, error: standing.error };
    case 'retrying':
      return { kind: 'too_early', due_in: standing.due_in };
    case 'in_flight':
      return { kind: 'slow' };
  }
}

async function openSuspect(
  { store }: Dependencies,
  { isolation }: AttemptShare,
  request: OpenRequest,
  suspect: { in_a_row: number; alone: number },
): Promise<OpenedAttempt | DeliveryEnd> {
  if (Isolation.isPoison(suspect)) {
    const reason = `its last ${suspect.in_a_row} attempts ended with their worker process`;
    return endOfStanding(await store.failWebhook({ ...request, error: 'InterruptedRepeatedly', reason }));
  }
  const turn = await isolation.admit(suspect);
  const result = await store.openAttempt({ ...request, isolation: turn.isolation });
  if (result.kind !== 'opened') turn.over();
  switch (result.kind) {
    case 'opened':
      if (turn.isolation === 'alone') turn.opened(() => store.shareAttempt(result.seq));
      return result;
    case 'too_early':
      return result;
    case 'standing':
      return endOfStanding(result.standing);
    case 'open_elsewhere':
      return { kind: 'slow' };
    case 'suspect':
    case 'needs_payload':
      // Its attempt has been opened and interrupted elsewhere meanwhile.
      return { kind: 'interrupted' };
  }
}

async function readAndOpen(
  deps: Dependencies,
  { reads }: AttemptShare,
  { remaining_ms, ...input }: DeliveryInput,
  request: OpenRequest,
  acceptedAt: number,
  attempt: RunningAttempt,
): Promise<OpenedAttempt | DeliveryEnd> {
  const { store, calls } = deps;
  if (!calls) return endOfStanding(await store.rejectWebhook({ ...request, error: 'CallNotFound' }));
  attempt.phase = 'reading';
  const { source, policy, ...rest } = calls;
  const reading = await readCall({ source, limit: reads, ...rest }, input.call_id, input.user_id);
  const decision = decideReading(reading, policy, { elapsed_ms: Date.now() - acceptedAt, remaining_ms });
  switch (decision.kind) {
    case 'ask_again':
      return { kind: 'unread', due_in: decision.due_in, source_away: decision.source_away };
    case 'not_found':
      return endOfStanding(await store.rejectWebhook({ ...request, error: 'CallNotFound' }));
    case 'fail':
      return endOfStanding(
        await store.failWebhook({
          ...request,
          error: 'CallUnreadable',
          reason: `the call could not be read: ${decision.reason}`,
        }),
      );
    case 'send':
      if (attempt.readsOnly) {
        await store.storePayload({ ...request, payload: decision.text });
        return { kind: 'read' };
      }
      attempt.phase = 'opening';
      return openWith(deps, { ...request, payload: decision.text });
  }
}

async function openWith({ store }: Dependencies, request: OpenRequest): Promise<OpenedAttempt | DeliveryEnd> {
  const result = await store.openAttempt(request);
  switch (result.kind) {
    case 'opened':
    case 'too_early':
      return result;
    case 'standing':
      return endOfStanding(result.standing);
    case 'open_elsewhere':
      return { kind: 'slow' };
    case 'suspect':
    case 'needs_payload':
      return { kind: 'interrupted' };
  }
}

async function recordEnd(
  deps: Dependencies,
  input: DeliveryInput,
  opened: OpenedAttempt,
  sent: SendOutcome,
): Promise<DeliveryEnd> {
  const { response_code, response_time_ms, error } = sent;
  const { batch_id, user_id, call_id } = input;
  const outcome = outcomeOf(sent);
  const endpoint_failed = outcome.kind === 'retry' && outcome.endpoint_failed;
  const next = nextStepOf(deps, input, opened, sent, outcome);
  const ref = { batch_id, user_id, call_id, seq: opened.seq };
  const { standing } = await close(deps, { ...ref, response_code, response_time_ms, error, endpoint_failed, next });
  if (standing.status === 'delivered') deps.onDelivered?.({ user_id, url: opened.url });
  if (standing.status === 'retrying') return { kind: 'retry', due_in: standing.due_in, endpoint_failed };
  const end = endOfStanding(standing);
  return end.kind === 'failed' ? { ...end, endpoint_failed } : end;
}

function nextStepOf(
  { retryPolicy }: Dependencies,
  { remaining_ms }: DeliveryInput,
  opened: OpenedAttempt,
  sent: SendOutcome,
  outcome: Outcome,
): NextStep {
  if (outcome.kind === 'delivered') return { status: 'delivered' };
  if (outcome.kind === 'gone') return { status: 'failed', error: 'EndpointGone', reason: describe(sent) };
  const retry_after_ms = sent.retry_after === null ? undefined : parseRetryAfter(sent.retry_after, Date.now());
  const delay = nextDelay(retryPolicy, {
    step: opened.step,
    remaining_ms: remaining_ms - sent.response_time_ms,
    random: Math.random(),
    response_code: sent.response_code,
    ...(retry_after_ms !== undefined && { retry_after_ms }),
  });
  if (delay !== 'used_up') return { status: 'retrying', ...delay };
  return {
    status: 'failed',
    error: 'ScheduleUsedUp',
    reason: `retry schedule used up; last attempt: ${describe(sent)}`,
  };
}

const describe = ({ response_code, error }: SendOutcome): string => error ?? `the endpoint answered ${response_code}`;

/** Does not give up while the process lives: what is not recorded would be sent again. Only data that the database refuses is an end. */
async function close({ store, onFault }: Dependencies, request: CloseRequest): Promise<CloseResult> {
  for (let told = false; ; ) {
    try {
      return await store.closeAttempt(request);
    } catch (error) {
      if (isDataError(error)) throw error;
      if (!(error instanceof StoreUnavailableError) && !told)
        onFault('the end of an attempt cannot be recorded', error);
      told = true;
      await delay(CLOSE_RETRY_INTERVAL_MS);
    }
  }
}
