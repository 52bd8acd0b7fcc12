import { createWebhooks, getWebhook, listBatchWebhooks, retryBatch, type Webhook } from './hey-api-client';
import { client } from './hey-api-client/client.gen';

/** Creates, reads, lists and retries with the client of @hey-api/openapi-ts. Prints what it saw. */
async function main(): Promise<void> {
  const { API_URL = '', API_KEY = '', CALL_ID = '', WEBHOOK_URL = '' } = process.env;
  client.setConfig({ baseUrl: API_URL, auth: API_KEY });

  const created = await createWebhooks({
    headers: { prefer: 'wait=20' },
    body: { call_ids: [CALL_ID], webhook_url: WEBHOOK_URL },
  });
  const [webhook]: (Webhook | undefined)[] = created.data?.data ?? [];
  if (!webhook) throw new Error(`nothing was created: ${JSON.stringify(created.error)}`);
  const path = { batch_id: webhook.batch_id };
  const read = () => getWebhook({ path: { call_id: CALL_ID } });
  const first = await read();
  const listed = await listBatchWebhooks({ path, query: { status: 'retrying', limit: 10 } });
  const retried = await retryBatch({ path });
  let last = first;
  while (last.data?.data.status !== 'delivered') last = await read();
  const missing = await getWebhook({ path: { call_id: 'c-none' } });

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
