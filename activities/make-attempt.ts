import type { DeliveryEnd, DeliveryInput } from '../contract/index.js';
import { EncryptionKeyMissingError, StoreUnavailableError } from '../store/index.js';
import type { OpenedAttempt, OpenRequest } from '../store/store.js';
import type { AttemptEnd } from './attempt-end.js';
import type { AttemptTools } from './dependencies.js';
import { failWebhook } from './fail-webhook.js';
import { isPoison, type Suspect, type Turn } from './isolation.js';
import { obtainCall } from './obtain-call.js';
import type { Place } from './origin-limit.js';
import { recordEnd } from './record-end.js';
import type { RunningAttempt } from './running-attempts.js';
import { endOfStanding } from './standing.js';
import { verdictOf } from './verdict.js';

/** For a store that is away all calls wait; for a missing key only those that need it. */
const KEY_WAIT_MS = 30_000;

/** Makes at most one attempt to deliver a webhook, and records it. Throws only what is a fault of our own. */
export async function makeAttempt(
  tools: AttemptTools,
  input: DeliveryInput,
  attempt: RunningAttempt,
): Promise<DeliveryEnd> {
  const place = await tools.originLimit.enter(input.endpoint.origin);
  if ('busy' in place) return { kind: 'busy', due_in: place.retry_in_ms };
  try {
    return await new AttemptAtPlace(tools, input, attempt, place).make();
  } catch (error) {
    if (error instanceof EncryptionKeyMissingError) {
      tools.missingKeys.note(error);
      return { kind: 'unread', due_in: KEY_WAIT_MS, source_away: false };
    }
    if (error instanceof StoreUnavailableError) return { kind: 'store_away' };
    throw error;
  } finally {
    place.leave();
  }
}

class AttemptAtPlace {
  readonly #tools: AttemptTools;
  readonly #input: DeliveryInput;
  readonly #attempt: RunningAttempt;
  readonly #place: Place;
  #counted = false;
  #turn: Turn | undefined;

  constructor(tools: AttemptTools, input: DeliveryInput, attempt: RunningAttempt, place: Place) {
    this.#tools = tools;
    this.#input = input;
    this.#attempt = attempt;
    this.#place = place;
  }

  async make(): Promise<DeliveryEnd> {
    try {
      await this.#enter();
      const opened = await this.#open();
      return opened.kind === 'opened' ? await this.#send(opened) : opened;
    } finally {
      this.#turn?.end();
      this.#leave();
    }
  }

  /**
   * Asks the store until it has opened an attempt, or says why there is none. It may first want the call's text, or to know how a suspect
   * is tried.
   */
  async #open(): Promise<OpenedAttempt | DeliveryEnd> {
    const { batch_id, user_id, call_id, send_type, ordered = false } = this.#input;
    const request: OpenRequest = {
      batch_id,
      user_id,
      call_id,
      send_type,
      ordered,
      timeout_ms: this.#tools.attemptTimeoutMs,
    };
    for (;;) {
      const result = await this.#tools.store.openAttempt(request);
      switch (result.kind) {
        case 'opened':
        case 'too_early':
          return result;
        case 'open_elsewhere':
          return { kind: 'slow' };
        case 'standing':
          return endOfStanding(result.standing);
        case 'suspect':
          if (isPoison(result)) return await this.#failPoison();
          request.isolation = await this.#isolate(result);
          break;
        case 'needs_payload': {
          delete request.isolation;
          const obtained = await this.#read(result.accepted_at);
          if (obtained.kind !== 'text') return obtained;
          request.payload = obtained.text;
        }
      }
    }
  }

  async #failPoison(): Promise<DeliveryEnd> {
    const reason = 'three attempts in a row, each alone in its process, ended with the death of their worker';
    return failWebhook(this.#tools, this.#input, 'InterruptedRepeatedly', reason);
  }

  async #isolate(suspect: Suspect): Promise<'alone' | 'shared'> {
    this.#turn ??= await this.#tools.isolation.admit(suspect);
    return this.#turn ? 'alone' : 'shared';
  }

  /** While its call is read nothing of it is in flight: neither a suspect nor an endpoint waits for a call source. */
  async #read(acceptedAt: string): Promise<DeliveryEnd | { kind: 'text'; text: string }> {
    this.#turn?.end();
    this.#turn = undefined;
    this.#leave();
    this.#attempt.startReading(() => this.#place.leave());
    const obtained = await obtainCall(this.#tools, this.#input, this.#attempt, acceptedAt);
    this.#attempt.phase = 'opening';
    if (obtained.kind === 'text') await this.#enter();
    return obtained;
  }

  async #send(opened: OpenedAttempt): Promise<DeliveryEnd> {
    await this.#turn?.opened(() => this.#share(opened.seq));
    this.#attempt.startSending();
    this.#place.begin();
    const { tracer } = this.#tools;
    const span = tracer?.startAttempt({ ...this.#input, url: opened.url, step: opened.step });
    const sent = await this.#post(opened, span?.traceparent ?? this.#input.traceparent);
    span?.end(sent, verdictOf(sent).kind === 'delivered');
    const end = await recordEnd(this.#tools, this.#input, this.#attempt, opened, sent);
    // Not before: what is sent and not recorded stays below the limit, too.
    this.#place.leave(sent.response_time_ms);
    return end;
  }

  /** A request that cannot be made is the worker's fault, and recorded as such: an attempt left open would count as interrupted. */
  async #post(opened: OpenedAttempt, traceparent: string | undefined): Promise<AttemptEnd> {
    const ended = this.#tools.events?.sending();
    try {
      const { url, payload, webhook_id, secrets } = opened;
      const request = { url, payload, webhook_id, secrets, ...(traceparent !== undefined && { traceparent }) };
      return await this.#tools.sender.send(request);
    } catch (error) {
      this.#tools.onFault('a request could not be made', error);
      const fault = 'the worker could not make the request';
      return { response_code: null, response_time_ms: 0, error: fault, error_kind: 'local', retry_after_ms: null };
    } finally {
      ended?.();
    }
  }

  async #share(seq: string): Promise<void> {
    try {
      await this.#tools.store.shareAttempt(seq);
    } catch (error) {
      this.#tools.onFault('an attempt could not be noted as one among others', error);
    }
  }

  #enter(): Promise<void> | undefined {
    this.#counted = true;
    return this.#tools.isolation.enter();
  }

  #leave(): void {
    if (!this.#counted) return;
    this.#counted = false;
    this.#tools.isolation.leave();
  }
}
