// Another process that uses the database of a folder, as built: `node folder-user.mjs FOLDER PREFIX COUNT`.
// Opens and closes one attempt after the other, and prints each call ID once its delivery is recorded.
import { openStore, StoreUnavailableError } from '../../../dist/store/index.js';

const [dataDir, prefix, count] = process.argv.slice(2);
const part = { batch_id: prefix, user_id: 'user', send_type: 'create', webhook_url: 'https://example.com/hook' };
let store = await openStore({ dataDir });
console.log('open');

const register = (n, call_id) =>
  store.registerBatches({
    workflow_id: prefix,
    accepted_at: Date.now(),
    calls: false,
    parts: [{ ...part, offset: n, total: Number(count), call_ids: [call_id] }],
  });

/** The process that holds the folder may have ended since: then it is opened again. */
async function registerAgain(n, call_id) {
  try {
    await register(n, call_id);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    await store.close();
    store = await openStore({ dataDir });
    await registerAgain(n, call_id);
  }
}

for (let n = 0; n < Number(count); n++) {
  const call = { batch_id: prefix, user_id: 'user', call_id: `${prefix}-${n}` };
  await registerAgain(n, call.call_id);
  const opened = await store.openAttempt({
    ...call,
    send_type: 'create',
    timeout_ms: 15_000,
    ordered: false,
    // More than a socket delivers at once, so that its messages arrive in pieces.
    payload: JSON.stringify({ text: 'x'.repeat(200_000) }),
  });
  await store.closeAttempt({
    ...call,
    seq: opened.seq,
    response_code: 200,
    response_time_ms: 1,
    error: null,
    endpoint_failed: false,
    next: { status: 'delivered' },
  });
  console.log(call.call_id);
}
await store.close();
