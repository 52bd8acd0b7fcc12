import type { DeliveryInput } from '../contract/index.js';
import type { OpenedAttempt } from '../store/store.js';
import type { AttemptEnd } from './attempt-end.js';

/** Of one attempt: what it is about, without what is sent. */
export type TracedAttempt = Pick<DeliveryInput, 'batch_id' | 'user_id' | 'call_id' | 'send_type' | 'traceparent'> &
  Pick<OpenedAttempt, 'url' | 'step'>;

export interface AttemptSpan {
  /** For the request's header: the attempt's own place in its trace. */
  readonly traceparent: string;
  end(sent: AttemptEnd, delivered: boolean): void;
}

/** Makes a span for each attempt. Its methods neither wait nor throw. */
export interface AttemptTracer {
  startAttempt(attempt: TracedAttempt): AttemptSpan;
}
