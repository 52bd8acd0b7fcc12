import { Client, Connection } from '@temporalio/client';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { PostcallClient } from '../../../client/index.js';
import { startLossyProxy } from '../../support/lossy-proxy.js';
import { connectClient, freshTaskQueue } from '../../support/temporal.js';

const request = { user_id: 'u-1', call_ids: ['c-1'], webhook_url: 'https://example.com/hooks' };

/** A client whose way to Temporal loses answers when told to, and how many workflows it has started. */
async function lossyClient() {
  const proxy = await startLossyProxy(inject('temporalAddress'));
  const connection = await Connection.connect({ address: proxy.address });
  const taskQueue = freshTaskQueue();
  const client = new PostcallClient({ client: new Client({ connection }), taskQueue });
  onTestFinished(async () => {
    await client.close();
    await connection.close();
  });
  const temporal = await connectClient();
  const started = async () => (await temporal.workflow.count(`TaskQueue = "${taskQueue}"`)).count;
  return { proxy, client, started, connection, temporal };
}

test.each([
  ['without a key', {}],
  ['with a key', { idempotency_key: 'k' }],
])('a start %s whose answer is lost is repeated until it is known, and starts one batch', async (_, key) => {
  const { proxy, client, started } = await lossyClient();
  const user_id = `u-${proxy.address}`;
  await client.ping();
  proxy.loseAnswers();
  const creating = client.create({ ...request, ...key, user_id });
  await expect.poll(started).toBe(1);
  proxy.recover();
  const batch = await creating;
  expect(await batch.describe()).toMatchObject({ batch_id: batch.batchId, user_id, total: 1 });
  expect(await started()).toBe(1);
});

test('nothing is sent to a service that does not answer any more, and the error says that nothing was accepted', async () => {
  const { proxy, client, started } = await lossyClient();
  proxy.loseAnswers();
  const creating = client.create(request).catch((error: unknown) => error);
  expect(await creating).toMatchObject({ code: 'SERVICE_UNAVAILABLE', mayBeAccepted: false });
  proxy.recover();
  await client.create(request);
  await expect.poll(started).toBe(1);
});

test('an order whose answer is lost is repeated until it is known', async () => {
  const { proxy, client, connection, temporal } = await lossyClient();
  const batch = await client.create({ ...request, user_id: `u-${proxy.address}` });
  const { workflowService } = connection;
  const describe = workflowService.describeWorkflowExecution.bind(workflowService);
  vi.spyOn(workflowService, 'describeWorkflowExecution').mockImplementationOnce(async (described) => {
    const answer = await describe(described);
    proxy.loseAnswers();
    return answer;
  });
  const pausing = batch.pause();
  const signals = async () => {
    const { events } = await temporal.workflow.getHandle(batch.workflowId).fetchHistory();
    return events?.filter((event) => event.workflowExecutionSignaledEventAttributes).length;
  };
  await expect.poll(signals).toBe(1);
  proxy.recover();
  expect(await pausing).toBe(true);
});
