import { expect, test } from 'vitest';
import { askedAllTheTime } from '../../support/asked-all-the-time.js';
import { startScripted } from '../../support/scripted.js';

test('played, and its history replayed: a batch that is asked and steered all the time decides alike where a query ends its workflow tasks', {
  timeout: 120_000,
}, async () => {
  const { script, batches, meanwhile } = askedAllTheTime(40);
  const run = await startScripted(await script(), ...batches);
  await meanwhile(run);
  expect((await run.handle.result()).batches).toMatchObject([{ delivered: 25 }]);
});
