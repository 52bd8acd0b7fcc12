import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { Output } from '../../../../client/cli/output.js';
import { buildProgram } from '../../../../client/cli/program.js';
import { Session } from '../../../../client/cli/session.js';
import { loadConfig } from '../../../../config/config.js';
import {
  batchOptionsSchema,
  type CreateRequest,
  createRequestSchema,
  type ResendFailedRequest,
  resendFailedRequestSchema,
  resendRequestSchema,
} from '../../../../contract/index.js';

type Name = keyof (CreateRequest & ResendFailedRequest);

const TUNED = Object.keys(batchOptionsSchema.shape);

/** What the command line is told, and what the request then says. */
const SAID: Record<Name, { told: string[]; says: unknown }> = {
  call_ids: { told: ['c-1', 'c-2'], says: ['c-1', 'c-2'] },
  user_id: { told: ['--user-id', 'u-1'], says: 'u-1' },
  webhook_url: { told: ['--url', 'https://example.com/'], says: 'https://example.com/' },
  idempotency_key: { told: ['--idempotency-key', 'k'], says: 'k' },
  options: {
    told: TUNED.flatMap((name) => [`--${name.replaceAll('_', '-')}`, '7']),
    says: Object.fromEntries(TUNED.map((name) => [name, 7])),
  },
  // A person's command is part of no trace.
  traceparent: { told: [], says: undefined },
  since: { told: ['--since', '2026-01-01T00:00:00Z'], says: '2026-01-01T00:00:00.000Z' },
  until: { told: ['--until', '2026-01-02T00:00:00Z'], says: '2026-01-02T00:00:00.000Z' },
  url: { told: ['--url', 'https://example.com/'], says: 'https://example.com/' },
};

test.each([
  ['create', createRequestSchema],
  ['resend', resendRequestSchema],
  ['resend --failed', resendFailedRequestSchema],
])('%s can say all that its request may hold', async (command, { shape }) => {
  const fields = Object.keys(shape) as Name[];
  const requests: unknown[] = [];
  const note = async (request: unknown) => {
    requests.push(request);
    return { batchId: 'b', workflowId: 'w', result: async () => ({ calls: 0, batches: [] }) };
  };
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = new Output({ stdout: nowhere, stderr: nowhere }, false);
  const session = new Session(loadConfig({}), output, process.stdin);
  session.withClient = async (use) => use({ create: note, resend: note, resendFailed: note } as never);

  const told = [...command.split(' '), ...fields.flatMap((field) => SAID[field].told)];
  await buildProgram(session).parseAsync(told, { from: 'user' });
  expect(requests).toEqual([Object.fromEntries(fields.map((field) => [field, SAID[field].says]))]);
});
