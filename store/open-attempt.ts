import type { Database } from './database.js';
import type { Cipher } from './encryption/cipher.js';
import { DamagedValueError } from './errors.js';
import { grouped } from './grouping.js';
import type { Interruptions } from './interrupt-attempts.js';
import {
  type GroupedOpenRequest,
  type OpenAnswer,
  openAttempts,
  type SealedAttempt,
  TEXT_FIRST,
} from './open-attempts.js';
import { callOwner, loadPayload } from './payloads.js';
import { failWebhook } from './settle-webhooks.js';
import { sharedStatement } from './shared-statement.js';
import type { CloseRequest, CloseResult, NextStep, OpenRequest, OpenResult } from './store.js';

/** Large texts that are being read at once. */
const LARGE_TEXTS = 2;
/** A secret that cannot be decrypted may be revoked: its webhooks wait for that, as they wait for an endpoint. */
const DAMAGED_SECRET: NextStep = { status: 'retrying', delay_ms: 60_000, held_ms: 0 };
const DAMAGED_TEXT = {
  status: 'failed',
  error: 'CallUnreadable',
  reason: 'its stored text was changed or damaged: it cannot be decrypted',
} satisfies NextStep;

export interface OpeningOptions {
  interruptions: Interruptions;
  database: Database;
  cipher: Cipher;
  closeAttempt(request: CloseRequest): Promise<CloseResult>;
}

/** Opens attempts. A text that is too large to travel with others is read first, by itself: the time of its attempt begins only then. */
export function openAttempt({
  database,
  cipher,
  closeAttempt,
  interruptions,
}: OpeningOptions): (request: OpenRequest) => Promise<OpenResult> {
  const share = sharedStatement<GroupedOpenRequest, OpenAnswer>(
    database,
    openAttempts(cipher, interruptions),
    ({ payload }) => payload?.length ?? 0,
  );
  const openLarge = grouped(([request]: readonly OpenRequest[]) => Promise.all(request ? [withText(request)] : []), {
    maxSize: 1,
    concurrency: LARGE_TEXTS,
  });

  async function withText({ payload: _, ...request }: OpenRequest): Promise<OpenResult> {
    const payload = await load(request);
    if (payload !== null && typeof payload !== 'string') return payload;
    const answer = await share(payload === null ? request : { ...request, with_text: true });
    if (answer === TEXT_FIRST) return withText(request);
    return answer.kind === 'sealed' ? unseal(request, answer, payload) : answer;
  }

  /** A text that is damaged fails its webhook for good. */
  async function load({ batch_id, user_id, call_id }: OpenRequest): Promise<string | null | OpenResult> {
    try {
      return await loadPayload(database, cipher, { batch_id, user_id, call_id });
    } catch (error) {
      if (!(error instanceof DamagedValueError)) throw error;
      const { error: failure, reason } = DAMAGED_TEXT;
      const standing = await failWebhook(database, { batch_id, user_id, call_id, error: failure, reason });
      return { kind: 'standing', standing };
    }
  }

  /** Nothing is sent of an attempt whose values are damaged: it ends at once. */
  async function unseal(request: OpenRequest, sealed: SealedAttempt, text: string | null): Promise<OpenResult> {
    const { user_id } = request;
    let next: NextStep = DAMAGED_SECRET;
    try {
      const secrets = sealed.secrets.map(([id, secret]) => cipher.open(secret, ['secret', user_id, id]));
      next = DAMAGED_TEXT;
      const payload = sealed.payload === null ? text : cipher.open(sealed.payload, callOwner(request));
      return { ...sealed, kind: 'opened', payload: payload ?? '', secrets };
    } catch (error) {
      if (!(error instanceof DamagedValueError)) throw error;
      const { batch_id, call_id } = request;
      const { standing } = await closeAttempt({
        batch_id,
        user_id,
        call_id,
        seq: sealed.seq,
        response_code: null,
        response_time_ms: 0,
        error: error.message,
        endpoint_failed: false,
        next,
      });
      return { kind: 'standing', standing };
    }
  }

  return async (request) => {
    const { payload } = request;
    const sealed = payload === undefined ? undefined : cipher.seal(payload, callOwner(request));
    const answer = await share(sealed === undefined ? request : { ...request, sealed });
    if (answer === TEXT_FIRST) return openLarge(request);
    return answer.kind === 'sealed' ? unseal(request, answer, payload ?? null) : answer;
  };
}
