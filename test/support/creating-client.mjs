import { PostcallClient } from '../../dist/client/index.js';

/** A service that creates one call a request, many at once, and says of each when it was accepted. */
const { USER_ID, WEBHOOK_URL, CALL_IDS, TEMPORAL_TASK_QUEUE } = process.env;
const client = await PostcallClient.connect({ taskQueue: TEMPORAL_TASK_QUEUE });
console.log('the client runs');
await Promise.all(
  JSON.parse(CALL_IDS).map(async (callId, index) => {
    // Spread over some seconds: at whatever moment the process dies, some wait for their start, and one start is under way.
    await new Promise((resolve) => setTimeout(resolve, index * 4));
    await client.create({ user_id: USER_ID, call_ids: [callId], webhook_url: WEBHOOK_URL });
    console.log(`accepted ${callId}.`);
  }),
);
