import type { CallStanding, DeliveryEnd } from '../contract/index.js';

/** What a webhook's standing in the store means to those who wait for its delivery. `endpoint_failed`: of its last attempt, where known. */
export function endOfStanding(standing: CallStanding, endpoint_failed?: boolean): DeliveryEnd {
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
      return { kind: 'retry', due_in: standing.due_in, endpoint_failed: endpoint_failed ?? false };
    case 'in_flight':
      return { kind: 'slow' };
  }
}
