// A backend service that delivers a webhook for each call that ends. It needs Temporal alone, and a worker somewhere:
//
//   npm start                                    (in another terminal: Temporal, a worker and sample calls)
//   WEBHOOK_URL=https://example.com/hook node examples/backend-service.mjs
//   curl -d '{"user_id": "dev", "call_id": "..."}' http://127.0.0.1:3000/calls/ended
//
// TEMPORAL_ADDRESS and the like say where Temporal is, as for any of its clients. Default 127.0.0.1:7233.

import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { InvalidRequestError, isTransient, PostcallClient } from 'postcall-webhooks/client';

const { PORT = '3000', WEBHOOK_URL, TEMPORAL_TASK_QUEUE } = process.env;
if (!WEBHOOK_URL) throw new Error('Set WEBHOOK_URL to the endpoint that wants to hear of finished calls.');

const postcall = await PostcallClient.connect(TEMPORAL_TASK_QUEUE ? { taskQueue: TEMPORAL_TASK_QUEUE } : {});

/** The telephony platform says that a call has ended; it says so again if it gets no answer, which the key makes harmless. */
async function callEnded({ user_id, call_id }) {
  const batch = await postcall.create({
    user_id,
    call_ids: [call_id],
    webhook_url: WEBHOOK_URL,
    idempotency_key: `call-ended:${call_id}`,
  });
  // The webhook is durable now. Nobody needs to wait; who wants to know how it goes can, from any process.
  void report(batch);
  return { batch_id: batch.batchId };
}

async function report(batch) {
  try {
    const { delivered, failed, rejected } = await batch.result();
    console.log(`${batch.batchId}: ${delivered} delivered, ${failed} failed, ${rejected} rejected`);
  } catch (error) {
    console.error(`${batch.batchId}: ${error.message}`);
  }
}

function statusOf(error) {
  if (error instanceof InvalidRequestError || error instanceof SyntaxError) return 400;
  return isTransient(error) ? 503 : 500;
}

const server = createServer(async (request, response) => {
  const answer = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.method !== 'POST' || request.url !== '/calls/ended') return answer(404, { error: 'not found' });
  try {
    return answer(202, await callEnded(await json(request)));
  } catch (error) {
    return answer(statusOf(error), { error: error.message });
  }
});

server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close();
    void postcall.close();
  });
}
