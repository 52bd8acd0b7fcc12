import type { CallOutcome, Counts, EndpointState } from '../contract/batch.js';
import type { OutcomesPage, ProgressReport } from '../contract/messages.js';

/** A round of deliveries that answers messages: one page that runs here, or several that run as child workflows. */
export interface Delivery {
  readonly counts: Counts;
  readonly endpoint: EndpointState;
  /** ISO 8601; null while the endpoint is up. */
  readonly endpointSince: string | null;
  readonly paused: boolean;
  readonly canceling: boolean;

  /** Resolves when every call is settled. */
  run(): Promise<void>;
  /** Every outcome but `delivered`, in the order of the request. */
  exceptions(): CallOutcome[];

  outcomesOf(page: number): OutcomesPage;
  runningPages(): ProgressReport['running_pages'];
  /** Calls that wait try now: all, or those named. These four may be repeated. */
  retryNow(callIds?: readonly string[]): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  cancel(): Promise<void>;
}
