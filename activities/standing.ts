import type { CallStanding, DeliveryEnd } from '../contract/index.js';

/** Of the attempt that has led to a standing, where it is known. */
interface LastAttempt {
  endpoint_failed?: boolean | undefined;
  answer?: string | undefined;
}

/** What a webhook's standing in the store means to those who wait for its delivery. */
export function endOfStanding(standing: CallStanding, { endpoint_failed, answer }: LastAttempt = {}): DeliveryEnd {
  switch (standing.status) {
    case 'delivered':
      return { kind: 'delivered' };
    case 'rejected':
      return { kind: 'rejected', error: standing.error };
    case 'failed':
    case 'canceled':
      return {
        kind: standing.status,
        error: standing.error,
        ...(endpoint_failed !== undefined && { endpoint_failed }),
      };
    case 'retrying':
      return {
        kind: 'retry',
        due_in: standing.due_in,
        endpoint_failed: endpoint_failed ?? false,
        ...(answer !== undefined && { answer }),
      };
    case 'in_flight':
      return { kind: 'slow' };
  }
}
