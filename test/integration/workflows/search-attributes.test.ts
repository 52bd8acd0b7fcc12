import { describe, expect, test } from 'vitest';
import { cancelSignal, type DeliveryEnd, MORE, pauseSignal, resumeSignal } from '../../../contract/index.js';
import { names } from '../../support/book-world.js';
import { historiesOf } from '../../support/histories.js';
import { type ScriptedRun, startScripted } from '../../support/scripted.js';

const HOUR = 3_600_000;
const refused: DeliveryEnd = { kind: 'retry', due_in: HOUR, endpoint_failed: true };
const answered404: DeliveryEnd = { kind: 'retry', due_in: HOUR, endpoint_failed: false };

async function attributesOf({ handle }: ScriptedRun) {
  const { typedSearchAttributes } = await handle.describe();
  return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
}

/** What the workflow set, one entry for each command. */
async function upserts({ client, handle }: ScriptedRun) {
  const histories = await historiesOf(client, handle.workflowId);
  return histories.flatMap(({ events }) =>
    (events ?? []).flatMap(({ upsertWorkflowSearchAttributesEventAttributes: set }) =>
      set ? [Object.keys(set.searchAttributes?.indexedFields ?? {}).sort()] : [],
    ),
  );
}

describe('played, and its history replayed: a workflow', () => {
  test('that is delivered at once sets nothing', async () => {
    const run = await startScripted({}, { call_ids: names(30) });
    await run.handle.result();
    expect(await upserts(run)).toEqual([]);
  });

  test('says what state it is in, and how many calls are left', async () => {
    let end: DeliveryEnd = answered404;
    const run = await startScripted({ deliver: () => end }, { call_ids: names(20), options: { down_after: 3 } });
    await expect.poll(() => attributesOf(run)).toMatchObject({ PostcallState: 'waiting', PostcallCalls: 20 });
    await run.handle.signal(pauseSignal);
    await expect.poll(() => attributesOf(run)).toMatchObject({ PostcallState: 'paused' });
    end = refused;
    await run.handle.signal(resumeSignal);
    await expect.poll(() => attributesOf(run)).toMatchObject({ PostcallState: 'down', PostcallCalls: 20 });
    await run.handle.signal(cancelSignal);
    await run.handle.result();
    expect(await upserts(run)).toEqual([['PostcallState'], ['PostcallState'], ['PostcallState']]);
  });

  test('whose start carried none sets none', async () => {
    const run = await startScripted({ deliver: () => answered404, searchAttributes: false }, { call_ids: names(3) });
    await expect.poll(() => run.sent.length).toBe(3);
    await run.handle.signal(pauseSignal);
    await run.handle.signal(cancelSignal);
    await run.handle.result();
    expect(await upserts(run)).toEqual([]);
  });

  test('that sends 10,000 webhooks to as many hosts again shows the first of them', { timeout: 120_000 }, async () => {
    const run = await startScripted(
      { endpointOf: (callId) => `https://${callId}.example/hook` },
      { call_ids: names(10_000), send_type: 'resend', webhook_url: undefined as never },
    );
    await run.handle.signal(pauseSignal);
    await expect.poll(() => attributesOf(run), { timeout: 90_000 }).toMatchObject({ PostcallState: 'paused' });
    const { PostcallHost: hosts } = await attributesOf(run);
    expect(hosts).toContain('c-0.example');
    expect((hosts as string[]).at(-1)).toBe(MORE);
    await run.handle.signal(cancelSignal);
    const [batch] = (await run.handle.result()).batches;
    expect((batch?.delivered ?? 0) + (batch?.canceled ?? 0)).toBe(10_000);
  });
});
