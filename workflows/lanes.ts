import { type ActivityOptions, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { DeliveryInput, DeliveryResult } from '../contract/delivery.js';
import type { FailureType } from '../contract/failures.js';

/** A worker that dies is noticed after this long without a heartbeat. */
const HEARTBEAT_TIMEOUT = '10s';
/** Above the longest attempt timeout (2 minutes) plus the wait for an attempt that another worker left open. */
const START_TO_CLOSE_TIMEOUT = '5m';

/** For failures without a delay of their own: the store or the call source is away. The activity itself ends a schedule. */
const INFRASTRUCTURE_RETRY = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

const REPORTED_FAILURES: FailureType[] = ['AttemptFailed'];

const durableOptions: ActivityOptions = {
  startToCloseTimeout: START_TO_CLOSE_TIMEOUT,
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  // A canceled activity lets its attempt finish and reports it: waiting for that keeps the outcome true.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: INFRASTRUCTURE_RETRY,
};

const local = proxyLocalActivities<Activities>({ startToCloseTimeout: '10s', retry: { maximumAttempts: 1 } });
const durable = proxyActivities<Activities>(durableOptions);

/** How the server shares its workers: between endpoints by key, and first attempts before later ones. */
export interface Fairness {
  fairness_key?: string;
}

const FIRST_ATTEMPT_PRIORITY = 2;
const RETRY_PRIORITY = 3;

/** The first attempt as a local activity: one marker in the history, but invisible while it runs, so its patience is bounded. */
export const deliverExpress = (input: DeliveryInput): Promise<DeliveryResult> =>
  local.deliverWebhook.executeWithOptions({ summary: input.call_id }, [input]);

export type DurableLane = (input: DeliveryInput, fairness: Fairness) => Promise<DeliveryResult>;

/** The first attempt as a regular activity: retried until there is an outcome at all, which then is reported. */
export const deliverFirst: DurableLane = (input, fairness) =>
  deliverDurably(input, `first attempt of ${input.call_id}`, fairness, FIRST_ATTEMPT_PRIORITY, {
    ...INFRASTRUCTURE_RETRY,
    nonRetryableErrorTypes: REPORTED_FAILURES,
  });

/** Every later attempt: one activity, retried by the server on the schedule that its failures name. */
export const deliverRetrying: DurableLane = (input, fairness) =>
  deliverDurably(input, `retries of ${input.call_id}`, fairness, RETRY_PRIORITY, INFRASTRUCTURE_RETRY);

function deliverDurably(
  input: DeliveryInput,
  summary: string,
  { fairness_key }: Fairness,
  priorityKey: number,
  retry: NonNullable<ActivityOptions['retry']>,
): Promise<DeliveryResult> {
  const priority = { priorityKey, ...(fairness_key !== undefined && { fairnessKey: fairness_key }) };
  return durable.deliverWebhook.executeWithOptions(
    { ...durableOptions, activityId: input.call_id, summary, priority, retry },
    [input],
  );
}

export const { settleWebhooks } = durable;
export const { findFailed } = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  retry: INFRASTRUCTURE_RETRY,
});
