import { setTimeout as delay } from 'node:timers/promises';
import type { DeliveryEnd, DeliveryInput } from '../contract/index.js';
import { isDataError, StoreUnavailableError } from '../store/index.js';
import type { CloseRequest, CloseResult, NextStep, OpenedAttempt } from '../store/store.js';
import type { AttemptEnd } from './attempt-end.js';
import type { AttemptOutcome, DeliveryEvents } from './delivery-events.js';
import type { Dependencies } from './dependencies.js';
import { nextDelay } from './retry-schedule.js';
import type { RunningAttempt } from './running-attempts.js';
import { endOfStanding } from './standing.js';
import { type Verdict, verdictOf } from './verdict.js';

/** Between tries to record an attempt's end. */
const CLOSE_RETRY_INTERVAL_MS = 500;
/** Stands for an error text that the database refuses. */
const PLAIN_ERROR = 'the attempt failed';

/** Records how an attempt ended, and answers what that means for its webhook. */
export async function recordEnd(
  deps: Dependencies,
  input: DeliveryInput,
  attempt: RunningAttempt,
  opened: OpenedAttempt,
  sent: AttemptEnd,
): Promise<DeliveryEnd> {
  const { batch_id, user_id, call_id } = input;
  const verdict = verdictOf(sent);
  const { endpoint_failed } = verdict;
  const next = nextStepOf(verdict, sent, () => retryOf(deps, opened, sent, attempt.remaining(input.remaining_ms)));
  const closed = await close(deps, {
    batch_id,
    user_id,
    call_id,
    seq: opened.seq,
    response_code: sent.response_code,
    response_time_ms: sent.response_time_ms,
    error: sent.error,
    endpoint_failed,
    next,
  });
  if (deps.events) tell(deps.events, input, { opened, sent, verdict, next, closed });
  if (verdict.kind === 'delivered') deps.onDelivered?.({ user_id, url: opened.url });
  return endOfStanding(closed.standing, { endpoint_failed, answer: answerOf(sent) });
}

interface Recorded {
  opened: OpenedAttempt;
  sent: AttemptEnd;
  verdict: Verdict;
  next: NextStep;
  closed: CloseResult;
}

function tell(events: DeliveryEvents, input: DeliveryInput, { opened, sent, verdict, next, closed }: Recorded): void {
  const { batch_id, user_id, call_id } = input;
  const { retry_after_ms: _, ...end } = sent;
  const { url, step, sent_at, accepted_at } = opened;
  const { standing, endpoint_became } = closed;
  events.attemptEnded({
    ...end,
    batch_id,
    user_id,
    call_id,
    url,
    outcome: outcomeOf(verdict, next),
    attempt: step + 1,
    sent_at,
    accepted_at,
    next_attempt_in: standing.status === 'retrying' ? standing.due_in : null,
  });
  const isFailed = next.status === 'failed' && standing.status === 'failed';
  if (isFailed) events.webhookFailed({ batch_id, user_id, call_id, url, error: next.error, reason: next.reason });
  if (endpoint_became) events.endpointChanged({ user_id, url, state: endpoint_became });
}

function nextStepOf(verdict: Verdict, sent: AttemptEnd, retry: () => NextStep): NextStep {
  switch (verdict.kind) {
    case 'delivered':
      return { status: 'delivered' };
    case 'gone':
      return { status: 'failed', error: 'EndpointGone', reason: describe(sent) };
    case 'retry':
      return retry();
  }
}

function retryOf(
  { retryPolicy }: Dependencies,
  { step }: OpenedAttempt,
  sent: AttemptEnd,
  remaining_ms: number,
): NextStep {
  const { response_code, retry_after_ms } = sent;
  const delay = nextDelay(retryPolicy, {
    step,
    remaining_ms,
    random: Math.random(),
    response_code,
    ...(retry_after_ms !== null && { retry_after_ms }),
  });
  if (delay !== 'used_up') return { status: 'retrying', ...delay };
  const reason = `retry schedule used up; last attempt: ${describe(sent)}`;
  return { status: 'failed', error: 'ScheduleUsedUp', reason };
}

function outcomeOf(verdict: Verdict, next: NextStep): AttemptOutcome {
  switch (verdict.kind) {
    case 'delivered':
    case 'gone':
      return verdict.kind;
    case 'retry':
      return next.status === 'retrying' ? 'retry' : 'used_up';
  }
}

const describe = ({ response_code, error }: AttemptEnd): string => error ?? `the endpoint answered ${response_code}`;

/** The history keeps it for each failed attempt. */
const MAX_ANSWER_LENGTH = 60;

const answerOf = ({ response_code, error }: AttemptEnd): string =>
  (error ?? String(response_code)).slice(0, MAX_ANSWER_LENGTH);

/** Does not give up: what is not recorded would be sent again. Throws only where the database refuses the attempt's data, even without its text. */
async function close({ store, onFault }: Dependencies, request: CloseRequest): Promise<CloseResult> {
  let asking = request;
  for (let tries = 1; ; tries += 1) {
    try {
      return await store.closeAttempt(asking);
    } catch (error) {
      if (isDataError(error)) {
        if (asking !== request) throw error;
        onFault('the database refuses how an attempt ended: it is recorded without its text', error);
        asking = withoutText(request);
        continue;
      }
      if (tries === 1 && !(error instanceof StoreUnavailableError)) onFault('an attempt cannot be recorded now', error);
      await delay(CLOSE_RETRY_INTERVAL_MS);
    }
  }
}

function withoutText(request: CloseRequest): CloseRequest {
  const { next, error } = request;
  return {
    ...request,
    error: error === null ? null : PLAIN_ERROR,
    next: next.status === 'failed' ? { ...next, reason: PLAIN_ERROR } : next,
  };
}
