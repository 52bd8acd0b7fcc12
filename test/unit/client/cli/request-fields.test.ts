import { expect, test } from 'vitest';
import { Output } from '../../../../client/cli/output.js';
import { buildProgram } from '../../../../client/cli/program.js';
import { Session } from '../../../../client/cli/session.js';
import { loadConfig } from '../../../../config/config.js';
import {
  batchOptionsSchema,
  createRequestSchema,
  resendFailedRequestSchema,
  resendRequestSchema,
} from '../../../../contract/index.js';

/** How the command line names what requests say; null: it cannot be said there, and why. */
const OPTIONS: Record<string, string | null> = {
  call_ids: '--file',
  user_id: '--user-id',
  webhook_url: '--url',
  idempotency_key: '--idempotency-key',
  max_in_flight: '--max-in-flight',
  down_after: '--down-after',
  since: '--since',
  until: '--until',
  url: '--url',
  // A person's command is part of no trace.
  traceparent: null,
};

const fieldsOf = (schema: { shape: Record<string, unknown> }) => Object.keys(schema.shape);

test.each([
  ['create', fieldsOf(createRequestSchema)],
  ['resend', fieldsOf(resendRequestSchema)],
  ['resend', fieldsOf(resendFailedRequestSchema)],
])('%s has an option for each field of its request', (name, fields) => {
  const streams = { stdout: process.stdout, stderr: process.stderr };
  const program = buildProgram(new Session(loadConfig({}), new Output(streams, false), process.stdin));
  const given = program.commands.find((command) => command.name() === name)?.options.map(({ long }) => long);
  const asked = fields.flatMap((field) => (field === 'options' ? fieldsOf(batchOptionsSchema) : [field]));
  const expected = asked.map((field) => (field in OPTIONS ? OPTIONS[field] : `an option for ${field}`));
  expect(given).toEqual(expect.arrayContaining(expected.filter((option) => option !== null)));
});
