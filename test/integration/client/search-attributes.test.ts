import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { PostcallClient, type PostcallClientOptions } from '../../../client/index.js';
import { SEARCH_ATTRIBUTE_TYPES, SEARCH_ATTRIBUTES } from '../../../contract/index.js';
import { answer } from '../../support/behaviours.js';
import { freshUser, startTestStack } from '../../support/stack.js';
import { freshTaskQueue, startOwnTemporalServer } from '../../support/temporal.js';
import { runCli } from './run-cli.js';

const NAMES = Object.keys(SEARCH_ATTRIBUTE_TYPES);
const KEYWORD_LIST = 7;

/** A client of a server, without a worker, that shows what its starts carry. */
async function starter(address: string, options: Partial<PostcallClientOptions> = {}) {
  const connection = await Connection.connect({ address });
  onTestFinished(() => connection.close());
  const temporal = new Client({ connection });
  const client = new PostcallClient({
    client: temporal,
    taskQueue: freshTaskQueue(),
    ...options,
  } as PostcallClientOptions);
  onTestFinished(() => client.close());
  const create = async (call_ids = ['c-1'], webhook_url = 'https://a.example/hook') => {
    const { batchId } = await client.create({ user_id: freshUser(), call_ids, webhook_url });
    return temporal.workflow.getHandle(`postcall-${batchId.split('.')[0]}`);
  };
  return { client, temporal, connection, create };
}

type Started = Awaited<ReturnType<Awaited<ReturnType<typeof starter>>['create']>>;

async function carried(handle: Started) {
  const { events } = await handle.fetchHistory();
  const start = events?.[0]?.workflowExecutionStartedEventAttributes;
  const input = JSON.parse(Buffer.from(start?.input?.payloads?.[0]?.data ?? []).toString());
  return {
    names: Object.keys(start?.searchAttributes?.indexedFields ?? {}).sort(),
    told: input.search_attributes as boolean | undefined,
  };
}

const WITH = { names: [...NAMES].sort(), told: true };
const WITHOUT = { names: [], told: undefined };

describe('a start', () => {
  test('carries the search attributes, and is found by them', async () => {
    const { client, temporal, create } = await starter(inject('temporalAddress'));
    expect(await carried(await create())).toEqual(WITH);
    const user_id = `o'${freshUser()}`;
    const { batchId } = await client.create({ user_id, call_ids: ['a', 'b'], webhook_url: 'https://b.example:444/' });
    const found = async () => {
      const query = `PostcallUser = "${user_id}" AND PostcallHost = "b.example:444" AND PostcallState = "delivering" AND PostcallCalls = 2`;
      const ids: string[] = [];
      for await (const { workflowId } of temporal.workflow.list({ query })) ids.push(workflowId);
      return ids;
    };
    await expect.poll(found).toEqual([`postcall-${batchId.split('.')[0]}`]);
  });

  test('with the option off carries none', async () => {
    const { create } = await starter(inject('temporalAddress'), { searchAttributes: false });
    expect(await carried(await create())).toEqual(WITHOUT);
  });

  test('of a resend, whose hosts are not known yet, carries them all the same', async () => {
    const { client, temporal } = await starter(inject('temporalAddress'));
    const { batchId } = await client.resend({ user_id: freshUser(), call_ids: ['c-1'] });
    expect(await carried(temporal.workflow.getHandle(`postcall-${batchId.split('.')[0]}`))).toEqual(WITH);
  });

  test('of what failed passes them on to the batches that it starts', async () => {
    const { client, connection, receiver, addCalls } = await startTestStack();
    const user_id = freshUser();
    receiver.behaviour = answer(410);
    const call_ids = await addCalls(2, user_id);
    await (await client.create({ user_id, call_ids, webhook_url: receiver.url })).result();
    receiver.behaviour = answer(200);
    const resend = await client.resendFailed({ user_id, since: new Date(Date.now() - 60_000).toISOString() });
    const { batches } = await resend.result();
    const temporal = new Client({ connection });
    expect(batches).toHaveLength(1);
    for (const workflowId of [resend.workflowId, `postcall-${batches[0]?.split('.')[0]}`]) {
      const handle = temporal.workflow.getHandle(workflowId);
      expect(await carried(handle)).toEqual(WITH);
      const { typedSearchAttributes } = await handle.describe();
      expect(typedSearchAttributes.get(SEARCH_ATTRIBUTES.user)).toEqual([user_id]);
    }
  });

  test('of 500 requests of 500 users to 500 hosts is taken', async () => {
    const { client, temporal } = await starter(inject('temporalAddress'));
    const handles = await Promise.all(
      Array.from({ length: 500 }, (_, n) =>
        client.create({
          user_id: `${'u'.repeat(120)}-${n}`,
          call_ids: [randomUUID()],
          webhook_url: `https://${'h'.repeat(60)}.${n}.example/`,
        }),
      ),
    );
    const parts = new Set(handles.map(({ batchId }) => batchId.split('.')[0]));
    expect(parts.size).toBeLessThan(10);
    for (const part of parts) expect(await carried(temporal.workflow.getHandle(`postcall-${part}`))).toEqual(WITH);
  });
});

describe('a server that does not know the search attributes', { timeout: 60_000 }, () => {
  test('gets starts without them at once; once they are registered, later starts carry them', async () => {
    const { address } = await startOwnTemporalServer({ searchAttributes: false });
    const { create, client, temporal } = await starter(address);
    expect(await carried(await create())).toEqual(WITHOUT);
    expect(await carried(await create())).toEqual(WITHOUT);
    const resend = await client.resendFailed({ user_id: freshUser(), since: '2026-01-01T00:00:00Z' });
    expect(await carried(temporal.workflow.getHandle(resend.workflowId))).toEqual(WITHOUT);
    const key = { user_id: freshUser(), call_ids: ['c-1'], webhook_url: 'https://a.example/', idempotency_key: 'k' };
    expect((await client.create(key)).batchId).toBe((await client.create(key)).batchId);

    const env = { TEMPORAL_ADDRESS: address };
    const first = await runCli(['setup'], { env });
    expect(first).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`search attributes: registered ${NAMES.join(', ')}\n`),
    });
    expect(await runCli(['setup'], { env })).toMatchObject({
      stdout: expect.stringContaining('search attributes: registered already\n'),
    });
    // Another client: the first one does not ask again for a minute.
    const later = await starter(address);
    await expect.poll(async () => carried(await later.create()), { timeout: 20_000 }).toEqual(WITH);
  });

  test('and has no free slot is left without them; setup says so', async () => {
    const { address } = await startOwnTemporalServer({ searchAttributes: false });
    const { connection, create } = await starter(address);
    const searchAttributes = { A: KEYWORD_LIST, B: KEYWORD_LIST, C: KEYWORD_LIST };
    await connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });
    const { exitCode, stdout } = await runCli(['setup'], { env: { TEMPORAL_ADDRESS: address } });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('cannot have more than 3 search attribute of type KeywordList');
    expect(stdout).toContain('POSTCALL_SEARCH_ATTRIBUTES=off');
    expect(await carried(await create())).toEqual(WITHOUT);
  });

  test('or has one of another type is left without them; setup says so', async () => {
    const { address } = await startOwnTemporalServer({ searchAttributes: false });
    const { connection, create } = await starter(address);
    const searchAttributes = { PostcallUser: 2, PostcallHost: KEYWORD_LIST, PostcallState: 2, PostcallCalls: 3 };
    await connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });
    const { exitCode, stdout } = await runCli(['setup', '--json'], { env: { TEMPORAL_ADDRESS: address } });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({
      step: 'search attributes',
      status: 'failed',
      message: expect.stringContaining('PostcallUser must be a KeywordList'),
    });
    await create();
  });
});

describe('setup', () => {
  test('registers nothing where they are not wanted', async () => {
    const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), POSTCALL_SEARCH_ATTRIBUTES: 'off' };
    const { exitCode, stdout } = await runCli(['setup'], { env });
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining('search attributes: POSTCALL_SEARCH_ATTRIBUTES is off: none are wanted\n'),
    });
  });
});
