import { INTERRUPTED } from '../../contract/index.js';
import type { ReceivedRequest } from './receiver.js';

/** What matters of a request that the endpoint has seen. */
export type SeenRequest = Pick<ReceivedRequest, 'callId' | 'webhookId' | 'body' | 'answered'>;

/** A call as the store has it. Times are milliseconds since the epoch by the database's clock. */
export interface RecordedCall {
  call_id: string;
  webhook_id: string;
  status: string;
  payload: string;
  attempts: RecordedAttempt[];
}

export interface RecordedAttempt {
  sent_at: number;
  /** Null while it is open. */
  finished_at: number | null;
  response_code: number | null;
  error: string | null;
}

/** The time in which a fault cut a worker off. */
export interface Break {
  from: number;
  to: number;
}

export interface Evidence {
  calls: readonly RecordedCall[];
  /** All that the endpoint has seen. */
  requests: readonly SeenRequest[];
  /** Those that it deliberately answered with an error or did not answer. */
  refused: ReadonlySet<SeenRequest>;
  /** Attempts under way in one of these may be seen twice. Empty: nothing may. */
  breaks: readonly Break[];
  /** Errors, beside `interrupted`, that leave open whether the endpoint has seen, or even answered, the request. */
  uncertain?: RegExp;
}

export interface Audit {
  lost: string[];
  /** Requests that the endpoint was sent although it had taken that call's webhook before. */
  duplicates: number;
  /** Calls with an attempt under way in a break. */
  inFlight: string[];
  /** Those of them whose attempt has no known end. */
  cutOff: string[];
  /** Whatever contradicts the guarantees, a line each. */
  problems: string[];
}

type Certainty = 'answered' | 'unanswered' | 'unseen' | 'uncertain';

/** No connection was made: nothing of these attempts has reached the endpoint. */
const UNSEEN = /^(connection refused$|DNS lookup of )/;

const wasUnderWay = ({ sent_at, finished_at }: RecordedAttempt, breaks: readonly Break[]): boolean =>
  breaks.some(({ from, to }) => sent_at <= to && (finished_at ?? Number.POSITIVE_INFINITY) >= from);

/**
 * Compares the endpoint's log with the store, call by call:
 * - every call is delivered, by a request that the endpoint has taken;
 * - every request that was answered is one recorded attempt, and every attempt a request, but for those that ended before they
 *   reached the endpoint, and those of which it is unknown (interrupted ones): they are at most one answered request each;
 * - a status that is recorded was answered;
 * - only calls that were in flight at a break are sent again after the endpoint has taken them;
 * - all requests of a call have its `webhook-id` and its payload's bytes.
 */
export function audit(evidence: Evidence): Audit {
  const byCall = requestsByCall(evidence.requests);
  const known = new Set<string | undefined>(evidence.calls.map(({ call_id }) => call_id));
  const strangers = [...byCall.keys()].filter((callId) => !known.has(callId));
  const findings = evidence.calls.map((call) => examine(call, byCall.get(call.call_id) ?? [], evidence));
  return {
    lost: findings.filter(({ lost }) => lost).map(({ callId }) => callId),
    duplicates: findings.reduce((sum, { duplicates }) => sum + duplicates, 0),
    inFlight: findings.filter(({ underWay }) => underWay.length > 0).map(({ callId }) => callId),
    cutOff: findings.filter(({ underWay }) => underWay.includes('uncertain')).map(({ callId }) => callId),
    problems: [
      ...strangers.map((callId) => `${callId}: the endpoint has seen it, and the store does not know it`),
      ...findings.flatMap(({ problems }) => problems),
    ],
  };
}

function requestsByCall(requests: readonly SeenRequest[]): Map<string | undefined, SeenRequest[]> {
  const byCall = new Map<string | undefined, SeenRequest[]>();
  for (const request of requests) {
    const sofar = byCall.get(request.callId);
    if (sofar) sofar.push(request);
    else byCall.set(request.callId, [request]);
  }
  return byCall;
}

function examine(call: RecordedCall, requests: readonly SeenRequest[], evidence: Evidence) {
  const taken = requests.filter((request) => !evidence.refused.has(request));
  const lost = call.status !== 'delivered' || taken.length === 0;
  const duplicates = Math.max(0, taken.length - 1);
  const attemptsUnderWay = call.attempts.filter((attempt) => wasUnderWay(attempt, evidence.breaks));
  const underWay = attemptsUnderWay.map((attempt) => certaintyOf(attempt, evidence.uncertain));
  const problems = [
    ...(lost ? [`lost: it is ${call.status}, and the endpoint has taken ${taken.length} requests`] : []),
    ...(duplicates > 0 && underWay.length === 0
      ? [`sent ${duplicates} times too often, though no break found it in flight`]
      : []),
    ...attemptProblems(call, requests, evidence.uncertain),
    ...requests.flatMap((request) => contentProblems(call, request)),
  ];
  return {
    callId: call.call_id,
    lost,
    duplicates,
    underWay,
    problems: problems.map((problem) => `${call.call_id}: ${problem} [${describe(call, requests)}]`),
  };
}

function attemptProblems({ attempts }: RecordedCall, requests: readonly SeenRequest[], uncertain?: RegExp): string[] {
  const of = (kind: Certainty) => attempts.filter((attempt) => certaintyOf(attempt, uncertain) === kind);
  const answers = of('answered').map(({ response_code }) => response_code);
  const recorded = answers.length + of('unanswered').length;
  const answered = requests.filter((request) => request.answered !== undefined).length;
  const problems: string[] = [];
  if (attempts.some(({ finished_at }) => finished_at === null)) problems.push('an attempt is still open');
  for (const status of new Set(answers)) {
    const given = requests.filter(({ answered }) => answered === status).length;
    const noted = answers.filter((answer) => answer === status).length;
    if (noted > given) problems.push(`${status} is recorded ${noted} times and was answered ${given} times`);
  }
  const unanswered = requests.filter(({ answered }) => answered === undefined).length;
  if (of('unanswered').length > unanswered) problems.push('an attempt without an answer is recorded that got one');
  if (requests.length < recorded) problems.push(`${recorded} attempts have reached the endpoint, which saw fewer`);
  // A request that broke off on a kept connection is repeated within its attempt.
  if (answered > answers.length + of('uncertain').length) problems.push('a request has no recorded attempt');
  return problems;
}

function certaintyOf({ response_code, error }: RecordedAttempt, uncertain?: RegExp): Certainty {
  if (response_code !== null) return 'answered';
  if (error === null || error === INTERRUPTED || uncertain?.test(error)) return 'uncertain';
  return UNSEEN.test(error) ? 'unseen' : 'unanswered';
}

function contentProblems(call: RecordedCall, request: SeenRequest): string[] {
  const problems: string[] = [];
  if (request.webhookId !== call.webhook_id) problems.push(`webhook-id ${request.webhookId}, not ${call.webhook_id}`);
  if (!request.body.equals(Buffer.from(call.payload))) problems.push('its bytes are not those that are stored');
  return problems;
}

const describe = ({ attempts }: RecordedCall, requests: readonly SeenRequest[]): string => {
  const recorded = attempts.map(({ response_code, error }) => response_code ?? error ?? 'open').join(', ');
  return `attempts: ${recorded}; answers: ${requests.map(({ answered }) => answered ?? 'none').join(', ')}`;
};
