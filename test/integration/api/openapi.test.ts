import { Validator } from '@seriousme/openapi-schema-validator';
import { pino } from 'pino';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ServiceUnavailableError } from '../../../client/index.js';
import type { Store } from '../../../store/index.js';
import { type Answer, type ApiUser, send, sharedApi, startTestApi, userWith } from '../../support/api.js';
import { answer } from '../../support/behaviours.js';

const CREATE = '/v1/postcall/webhooks/create';
const RESEND = '/v1/postcall/webhooks/resend';
const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h' } });

interface Media {
  schema: Record<string, unknown>;
  example?: unknown;
}
interface Operation {
  operationId: string;
  requestBody?: { required: boolean; content: Record<string, Media> };
  responses: Record<string, { description: string; headers?: Record<string, unknown>; content: Record<string, Media> }>;
}
// biome-ignore lint/suspicious/noExplicitAny: what it is made of is what the tests are about
let document: any;
beforeAll(async () => {
  document = (await send(`${api().url}/openapi.json`)).body;
});

const operations = (): Operation[] => Object.values(document.paths).flatMap((path) => Object.values(path as object));

/** References resolved, so that the schema stands alone. */
function resolved(schema: unknown): z.core.JSONSchema.JSONSchema {
  const text = JSON.stringify(schema, (_key, value) =>
    typeof value?.$ref === 'string' ? document.components.schemas[value.$ref.split('/').at(-1)] : value,
  );
  return JSON.parse(text);
}

const problems = ({ schema }: Media, value: unknown) =>
  z.fromJSONSchema(resolved(schema)).safeParse(value).error?.issues;

/** What each operation needs to succeed: a call with a failed webhook whose batch runs, and one that has none yet. */
async function scene() {
  const { stack, newUser } = api();
  const user = await newUser();
  const [waiting = '', fresh = '', delivered = ''] = await stack.addCalls(3, user.userId);
  const webhook_url = stack.receiver.url;
  await user.post(CREATE, { call_ids: [delivered], webhook_url });
  stack.receiver.behaviour = answer(404);
  const { headers } = await user.post(CREATE, { call_ids: [waiting], webhook_url });
  stack.receiver.behaviour = answer(200);
  return { user, waiting, fresh, delivered, webhook_url, batch: headers.get('location') ?? '' };
}
type Scene = Awaited<ReturnType<typeof scene>>;
type Request = (user: ApiUser, scene: Scene, headers?: Record<string, string>) => Promise<Answer>;

/** A request to each operation that succeeds. */
const requests: Record<string, Request> = {
  healthz: (user) => user.get('/healthz'),
  readyz: (user) => user.get('/readyz'),
  createWebhooks: (user, { fresh, delivered, webhook_url }, headers) =>
    user.post(CREATE, { call_ids: [fresh, delivered], webhook_url }, headers),
  resendWebhooks: (user, { delivered, waiting }, headers) =>
    user.post(RESEND, { call_ids: [delivered, waiting] }, headers),
  getWebhook: (user, { waiting }) => user.get(`/v1/postcall/webhooks/${waiting}`),
  getBatch: (user, { batch }) => user.get(batch),
  listBatchWebhooks: (user, { batch }) => user.get(`${batch}/webhooks`),
  pauseBatch: (user, { batch }) => user.post(`${batch}/pause`),
  resumeBatch: (user, { batch }) => user.post(`${batch}/resume`),
  cancelBatch: (user, { batch }) => user.post(`${batch}/cancel`),
  retryBatch: (user, { batch }) => user.post(`${batch}/retry`),
  listEndpoints: (user) => user.get('/v1/postcall/endpoints'),
  listFailed: (user) => user.get('/v1/postcall/failed'),
  resendFailed: (user) => user.post('/v1/postcall/failed/resend', { since: '1h' }),
};

const SUCCESS: Record<string, number> = { resendFailed: 202 };
const BODY_PATHS: Record<string, (scene: Scene) => string> = {
  createWebhooks: () => CREATE,
  resendWebhooks: () => RESEND,
  retryBatch: ({ batch }) => `${batch}/retry`,
  resendFailed: () => '/v1/postcall/failed/resend',
};
const QUERY_PATHS: Record<string, (scene: Scene) => string> = {
  listBatchWebhooks: ({ batch }) => `${batch}/webhooks?limit=0`,
  listEndpoints: () => '/v1/postcall/endpoints?limit=0',
  listFailed: () => '/v1/postcall/failed?limit=0',
};

/** The API with a client and a store that throw at every question, but for whose key it is. */
async function apiThatThrows(error: Error) {
  const thrower = new Proxy({}, { get: () => () => Promise.reject(error) });
  const { findUserByApiKey } = api().stack.store;
  const store = new Proxy(thrower as Store, {
    get: (target, name, receiver) =>
      name === 'findUserByApiKey' ? findUserByApiKey : Reflect.get(target, name, receiver),
  });
  const client = new Proxy(thrower, {
    get: (target, name, receiver) => (name === 'getHandle' ? () => thrower : Reflect.get(target, name, receiver)),
  });
  return startTestApi(api().stack, { client: client as never, store, logger: pino({ level: 'silent' }) });
}

/** How each status is brought about. */
const provocations: Record<number, (operation: string, scene: Scene) => Promise<Answer>> = {
  200: (operation, at) => requests[operation]?.(at.user, at) as Promise<Answer>,
  202: async (operation, at) => {
    if (SUCCESS[operation] === 202) return requests[operation]?.(at.user, at) as Promise<Answer>;
    return requests[operation]?.(at.user, at, { prefer: 'wait=0' }) as Promise<Answer>;
  },
  400: (operation, at) => {
    const query = QUERY_PATHS[operation]?.(at);
    return query ? at.user.get(query) : at.user.post(BODY_PATHS[operation]?.(at) ?? '', { call_ids: [1] });
  },
  401: (operation, at) => requests[operation]?.(userWith(api().url, '', 'nonsense'), at) as Promise<Answer>,
  404: (operation, at) => {
    const batch = '/v1/postcall/batches/b_none.0';
    return requests[operation]?.(at.user, { ...at, batch, waiting: 'c-none' }) as Promise<Answer>;
  },
  413: (operation, at) => at.user.post(BODY_PATHS[operation]?.(at) ?? '', ' '.repeat(3_000_000)),
  415: (operation, at) => at.user.post(BODY_PATHS[operation]?.(at) ?? '', 'x', { 'content-type': 'text/plain' }),
  422: async (operation, at) => {
    await requests[operation]?.(at.user, at, { 'idempotency-key': 'k' });
    return at.user.post(
      BODY_PATHS[operation]?.(at) ?? '',
      { call_ids: ['c-other'], webhook_url: at.webhook_url },
      { 'idempotency-key': 'k' },
    );
  },
  429: async (operation, at) => {
    const { url } = await startTestApi(api().stack, { rateLimit: 0 });
    return requests[operation]?.(userWith(url, at.user.userId, at.user.key), at) as Promise<Answer>;
  },
  500: async (operation, at) => {
    const { url } = await apiThatThrows(new Error('internals'));
    return requests[operation]?.(userWith(url, at.user.userId, at.user.key), at) as Promise<Answer>;
  },
  503: async (operation, at) => {
    const { url } = await apiThatThrows(new ServiceUnavailableError('internals'));
    return requests[operation]?.(userWith(url, at.user.userId, at.user.key), at) as Promise<Answer>;
  },
};

/** Of any other status: one that every path can answer. */
const provokeOther = (operation: string, at: Scene) => {
  const user = userWith(api().url, at.user.userId, 'x'.repeat(20_000));
  return requests[operation]?.(user, at) as Promise<Answer>;
};

/** What is brought about by changing the scene. */
const CHANGING = ['200', '202', '422'];

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    expect(document.openapi).toBe('3.1.0');
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
  });

  test('describes every route that it is tested with', () => {
    expect(
      operations()
        .map(({ operationId }) => operationId)
        .toSorted(),
    ).toEqual(Object.keys(requests).toSorted());
  });

  test('requires a body where the route does', () => {
    const bodies = operations().flatMap(({ operationId, requestBody }) =>
      requestBody ? [[operationId, requestBody.required]] : [],
    );
    expect(Object.fromEntries(bodies)).toEqual({
      createWebhooks: true,
      resendWebhooks: true,
      resendFailed: true,
      retryBatch: false,
    });
  });

  test('names what generators of clients make types of, each once', () => {
    expect(Object.keys(document.components.schemas).toSorted()).toEqual([
      'Attempt',
      'Batch',
      'BatchAnswer',
      'CreateRequest',
      'Endpoint',
      'EndpointPage',
      'EndpointProgress',
      'ErrorEntry',
      'Failure',
      'Health',
      'Readiness',
      'ResendFailed',
      'ResendFailedAnswer',
      'ResendFailedRequest',
      'ResendRequest',
      'RetryRequest',
      'Webhook',
      'WebhookAnswer',
      'WebhookPage',
      'WebhooksAnswer',
    ]);
    for (const { operationId, requestBody, responses } of operations()) {
      for (const { content } of [...Object.values(responses), ...(requestBody ? [requestBody] : [])]) {
        expect(Object.keys(content['application/json']?.schema ?? {}), operationId).toEqual(['$ref']);
      }
    }
  });

  test('tells what is validated', () => {
    const { CreateRequest, RetryRequest } = document.components.schemas;
    const call_ids = { minItems: 1, uniqueItems: true, items: { minLength: 1, maxLength: 128 } };
    expect(CreateRequest.properties).toMatchObject({
      call_ids: { ...call_ids, maxItems: 10_000 },
      webhook_url: { format: 'uri', maxLength: 2_048, pattern: expect.any(String) },
    });
    expect(RetryRequest.properties.call_ids).toMatchObject({ ...call_ids, maxItems: 1_000 });
    const [limit] = document.paths['/v1/postcall/failed'].get.parameters.filter(
      ({ name }: { name: string }) => name === 'limit',
    );
    expect(limit.schema).toEqual({ type: 'integer', minimum: 1, maximum: 500, default: 50 });
  });

  test('has an example of every body and of every answer, each as its schema says', () => {
    for (const { operationId, requestBody, responses } of operations()) {
      for (const content of [...Object.values(responses), ...(requestBody ? [requestBody] : [])]) {
        const media = content.content['application/json'] as Media;
        expect(media.example, operationId).toBeDefined();
        expect(problems(media, media.example), operationId).toBeUndefined();
      }
    }
  });

  test.each(Object.keys(requests))('tells how %s answers, in every status', async (operationId) => {
    const { responses } = operations().find((operation) => operation.operationId === operationId) as Operation;
    const still = await scene();
    for (const [status, { content, headers = {} }] of Object.entries(responses)) {
      const at = CHANGING.includes(status) ? await scene() : still;
      const isOther = status === 'default';
      const answered = isOther
        ? await provokeOther(operationId, at)
        : await provocations[Number(status)]?.(operationId, at);
      const media = content['application/json'] as Media;
      const where = `${operationId} ${status}: ${answered?.text}`;
      expect(answered?.status, where).toBe(isOther ? 431 : Number(status));
      expect(problems(media, answered?.body), where).toBeUndefined();
      expect(Object.keys(answered?.body), where).toEqual(Object.keys(media.example as object));
      for (const header of Object.keys(headers)) {
        if (header !== 'preference-applied') expect(answered?.headers.get(header), where).not.toBeNull();
      }
      const [error] = answered?.body.errors ?? [];
      const [documented] = (media.example as { errors?: { error: string }[] }).errors ?? [];
      if (documented) expect(error?.error, where).toBe(documented.error);
      expect(answered?.text, where).not.toContain('internals');
    }
  });
});
