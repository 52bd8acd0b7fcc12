import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type StoredWebhook, webhookJson } from '../../contract/index.js';
import type { ErrorEntry } from '../errors.js';

/** Answers that show webhooks are written by hand: their payloads are stored texts, and no number or key in them may change. */

const JSON_TYPE = 'application/json; charset=utf-8';

export const sendWebhook = (reply: FastifyReply, webhook: StoredWebhook): FastifyReply =>
  reply.type(JSON_TYPE).send(`{"data":${webhookJson(webhook)},"errors":null}`);

/** A page of a list. */
export function sendPage(
  reply: FastifyReply,
  { webhooks, next_cursor }: { webhooks: readonly StoredWebhook[]; next_cursor: string | null },
): FastifyReply {
  const cursor = JSON.stringify(next_cursor);
  return reply.type(JSON_TYPE).send(`{"data":[${listJson(webhooks)}],"errors":null,"next_cursor":${cursor}}`);
}

/** All webhooks of a request, and its errors. With more than one page they are written as they are read: 10,000 with their transcripts fit into no memory. */
export function sendWebhooks(
  reply: FastifyReply,
  {
    first,
    rest,
    errors,
  }: { first: readonly StoredWebhook[]; rest?: AsyncIterable<StoredWebhook[]>; errors: ErrorEntry[] | null },
): FastifyReply {
  const end = `],"errors":${JSON.stringify(errors)}}`;
  const begin = `{"data":[${listJson(first)}`;
  reply.type(JSON_TYPE);
  if (!rest) return reply.send(begin + end);
  return reply.send(Readable.from(parts(begin, rest, end, first.length > 0), { objectMode: false }));
}

async function* parts(
  begin: string,
  pages: AsyncIterable<StoredWebhook[]>,
  end: string,
  hasSome: boolean,
): AsyncGenerator<string, void, void> {
  yield begin;
  let separator = hasSome ? ',' : '';
  for await (const page of pages) {
    for (const webhook of page) {
      yield separator + webhookJson(webhook);
      separator = ',';
    }
  }
  yield end;
}

const listJson = (webhooks: readonly StoredWebhook[]): string => webhooks.map(webhookJson).join(',');
