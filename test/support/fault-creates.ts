import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Random } from './fault-random.js';
import { inParallel } from './in-parallel.js';

const RETRY_INTERVAL_MS = 250;
/** A hurried client hangs up within this time. */
const HASTE_MS = 300;
/** Longer than any wait for first attempts. */
const ANSWER_LIMIT_MS = 60_000;

export interface CreatesOptions {
  /** Of the HTTP API. */
  origin: string;
  apiKey: string;
  webhook_url: string;
  /** Clients at once. Default 100. */
  connections?: number;
  /** How likely a client is to hang up, each time. Default 0. */
  hangUps?: number;
  random: Random;
}

/** What clients were told, request by request. */
export interface Told {
  /** Accepted, or known from a request that got no answer. */
  accepted: string[];
  /** 503. */
  refused: number;
  /** No answer: the client hung up, or the connection broke. */
  unanswered: number;
}

/** One HTTP request for each call, half of them with `wait=0`; repeated, as an unanswered or refused one may be, until it is accepted. */
export async function createOneByOne(callIds: readonly string[], options: CreatesOptions): Promise<Told> {
  const { origin, connections = 100 } = options;
  const pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: ANSWER_LIMIT_MS });
  const told: Told = { accepted: [], refused: 0, unanswered: 0 };
  await inParallel(connections, callIds, async (callId) => {
    while (!(await create(pool, callId, options, told))) await delay(RETRY_INTERVAL_MS);
  });
  await pool.destroy();
  return told;
}

async function create(pool: Pool, callId: string, options: CreatesOptions, told: Told): Promise<boolean> {
  const { apiKey, webhook_url, hangUps = 0, random } = options;
  const hasty = new AbortController();
  const timer = random.chance(hangUps) && setTimeout(() => hasty.abort(), random.integer(0, HASTE_MS));
  try {
    const { statusCode, body } = await pool.request({
      path: '/v1/postcall/webhooks/create',
      method: 'POST',
      signal: hasty.signal,
      headers: {
        authorization: apiKey,
        'content-type': 'application/json',
        ...(random.chance(0.5) && { prefer: 'wait=0' }),
      },
      body: JSON.stringify({ call_ids: [callId], webhook_url }),
    });
    const text = await body.text();
    if (statusCode === 503) told.refused += 1;
    // Who had no answer before may be told that the call has a webhook.
    else if (statusCode < 300 || /already has a webhook/.test(text)) told.accepted.push(callId);
    else throw new UnexpectedAnswerError(`${statusCode}: ${text.slice(0, 300)}`);
    return statusCode !== 503;
  } catch (error) {
    if (error instanceof UnexpectedAnswerError) throw error;
    told.unanswered += 1;
    return false;
  } finally {
    if (timer) clearTimeout(timer);
  }
}

class UnexpectedAnswerError extends Error {}
