import createClient from 'openapi-fetch';
import type { paths } from './schema';

/** Creates, reads, lists and retries with the types of openapi-typescript. Prints what it saw. */
async function main(): Promise<void> {
  const { API_URL = '', API_KEY = '', CALL_ID = '', WEBHOOK_URL = '' } = process.env;
  const client = createClient<paths>({ baseUrl: API_URL, headers: { authorization: API_KEY } });

  const created = await client.POST('/v1/postcall/webhooks/create', {
    params: { header: { prefer: 'wait=20' } },
    body: { call_ids: [CALL_ID], webhook_url: WEBHOOK_URL },
  });
  const [webhook] = created.data?.data ?? [];
  if (!webhook) throw new Error(`nothing was created: ${JSON.stringify(created.error)}`);
  const read = () => client.GET('/v1/postcall/webhooks/{call_id}', { params: { path: { call_id: CALL_ID } } });
  const first = await read();
  const listed = await client.GET('/v1/postcall/batches/{batch_id}/webhooks', {
    params: { path: { batch_id: webhook.batch_id }, query: { status: 'retrying', limit: 10 } },
  });
  const retried = await client.POST('/v1/postcall/batches/{batch_id}/retry', {
    params: { path: { batch_id: webhook.batch_id } },
  });
  let last = first;
  while (last.data?.data.status !== 'delivered') last = await read();
  const missing = await client.GET('/v1/postcall/webhooks/{call_id}', { params: { path: { call_id: 'c-none' } } });

  const seen = {
    created: webhook.status,
    attempts: first.data?.data.metadata.map(({ response_code }) => response_code),
    listed: listed.data?.data.map(({ call_id }) => call_id),
    retried: retried.data?.data.retrying,
    delivered: last.data.data.metadata.map(({ response_code }) => response_code),
    missing: missing.error?.errors[0]?.error,
  };
  console.log(JSON.stringify(seen));
}

void main();
