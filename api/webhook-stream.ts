import { Readable } from 'node:stream';
import type { Webhook } from '../contract/index.js';
import { webhookSchema } from '../contract/index.js';
import type { ErrorEntry } from './errors.js';

/** `{"data": [...], "errors": ...}`, written as fast as it is read: 10,000 webhooks with their transcripts fit into no memory. */
export function webhookStream(pages: AsyncIterable<Webhook[]>, errors: ErrorEntry[] | null): Readable {
  return Readable.from(json(pages, errors), { objectMode: false });
}

async function* json(pages: AsyncIterable<Webhook[]>, errors: ErrorEntry[] | null): AsyncGenerator<string, void, void> {
  let separator = '{"data":[';
  for await (const page of pages) {
    for (const webhook of page) {
      yield separator + JSON.stringify(webhookSchema.parse(webhook));
      separator = ',';
    }
  }
  if (separator !== ',') yield separator;
  yield `],"errors":${JSON.stringify(errors)}}`;
}
