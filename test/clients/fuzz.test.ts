import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { createApi } from '../../api/index.js';
import { type ApiUser, userWith } from '../support/api.js';
import { answer } from '../support/behaviours.js';
import { freshUser, sharedTestStack, testLogger } from '../support/stack.js';
import { run } from './run.js';

/** For each operation and kind of data. More are for those who look for something: FUZZ_EXAMPLES=500 npm run test:fuzz */
const EXAMPLES = process.env.FUZZ_EXAMPLES ?? '15';
const SEED = process.env.FUZZ_SEED ?? '1';

/** What schemathesis checks and we do not promise. */
const EXCLUDED_CHECKS = [
  // A valid request may be refused for what it asks: a create whose calls were all refused, a period without any time, an unknown batch.
  'positive_data_acceptance',
  // Many things that no schema forbids are read all the same: unknown fields and parameters, a body where none is needed.
  'negative_data_rejection',
];

/** Their paths are also that of GET /v1/postcall/webhooks/{call_id}, for a call of that name: 405 there says so. */
const CONFIG = ['create', 'resend']
  .map(
    (name) =>
      `[[operations]]\ninclude-name = "POST /v1/postcall/webhooks/${name}"\nchecks.unsupported_method.enabled = false\n`,
  )
  .join('\n');

interface Operation {
  operationId: string;
  parameters?: { name: string; in: string; example?: unknown }[];
  requestBody?: { content: Record<string, { example: unknown }> };
  responses: Record<string, unknown>;
}
type Document = { paths: Record<string, Record<string, Operation>> };

const stackOf = sharedTestStack({ environment: { POSTCALL_RETRY_SCHEDULE: '1h', CALLS_GRACE: '0s' } });

/** The API, and which answers each operation has given. */
async function startWatchedApi() {
  const { client, store } = stackOf();
  const app = createApi({ client, store, logger: testLogger(), rateLimit: 1_000_000 });
  const statuses = new Map<string, Set<number>>();
  app.addHook('onResponse', async ({ method, routeOptions }, { statusCode }) => {
    const route = `${method} ${routeOptions.url?.replaceAll(/:(\w+)/g, '{$1}')}`;
    statuses.set(route, (statuses.get(route) ?? new Set()).add(statusCode));
  });
  onTestFinished(() => app.close());
  return { url: await app.listen({ port: 0 }), statuses };
}

/** The document with an example of a real batch, call and URL for each operation, so that each can succeed. */
async function withRealExamples(document: Document, user: ApiUser): Promise<Document> {
  const { addCalls, receiver } = stackOf();
  const create = async (status: number) => {
    const [call_id = ''] = await addCalls(1, user.userId);
    receiver.behaviour = answer(status);
    const { body } = await user.post('/v1/postcall/webhooks/create', {
      call_ids: [call_id],
      webhook_url: receiver.url,
    });
    const [{ batch_id }] = body.data;
    return { call_id, batch_id };
  };
  await create(410);
  const delivered = await create(200);
  const fresh = await addCalls(1, user.userId);
  const bodies: Record<string, unknown> = {
    createWebhooks: { call_ids: fresh, webhook_url: receiver.url },
    resendWebhooks: { call_ids: [delivered.call_id] },
  };
  const examples: Record<string, string> = { prefer: 'wait=5', since: '1h', url: receiver.url };
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    const { operationId, parameters = [], requestBody } = operation;
    const waiting = parameters.some(({ name }) => name === 'batch_id') ? await create(404) : delivered;
    const values: Record<string, unknown> = { ...examples, ...waiting, 'idempotency-key': randomUUID() };
    for (const parameter of parameters) if (parameter.name in values) parameter.example = values[parameter.name];
    const [media] = Object.values(requestBody?.content ?? {});
    if (media && bodies[operationId]) media.example = bodies[operationId];
  }
  receiver.behaviour = answer(200);
  return document;
}

test('schemathesis finds no server error and no answer that the document does not describe', async () => {
  const { url, statuses } = await startWatchedApi();
  const userId = freshUser();
  const user = userWith(url, userId, (await stackOf().store.createApiKey(userId)).key);
  const folder = await mkdtemp(join(tmpdir(), 'postcall-fuzz-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const document = await withRealExamples((await user.get('/openapi.json')).body, user);
  await writeFile(join(folder, 'openapi.json'), JSON.stringify(document));
  await writeFile(join(folder, 'schemathesis.toml'), CONFIG);
  statuses.clear();

  const args = ['run', 'openapi.json', '--url', url, '--header', `authorization: ${user.key}`];
  const checks = ['--checks', 'all', '--exclude-checks', EXCLUDED_CHECKS.join(',')];
  const amount = ['--max-examples', EXAMPLES, '--seed', SEED, '--request-timeout', '30', '--continue-on-failure'];
  await run('schemathesis', [...args, ...checks, ...amount], { cwd: folder, tools: inject('clientTools') });

  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of Object.keys(operations)) {
      const operation = `${method.toUpperCase()} ${path}`;
      expect([...(statuses.get(operation) ?? [])], operation).toContainEqual(
        expect.toSatisfy((status) => status < 300),
      );
    }
  }
  const all = new Set([...statuses.values()].flatMap((some) => [...some]));
  expect([...all].filter((status) => status >= 500)).toEqual([]);
});
