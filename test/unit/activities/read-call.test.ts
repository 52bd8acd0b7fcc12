import { describe, expect, it } from 'vitest';
import { readCall } from '../../../activities/read-call.js';
import { ReadLimit } from '../../../activities/read-limit.js';

/** What a source that is written in JavaScript may answer of call c-1, asked for by a user. */
const read = (call: unknown, userId = '42', options: { defaultUserId?: string } = {}) =>
  readCall({ source: { getCall: async () => call as never }, limit: new ReadLimit(), ...options }, 'c-1', userId);

const given = (user_id: unknown, data: unknown = '{}') => ({ call_id: 'c-1', user_id, data });
const READ = { kind: 'read', ready: true };
const ABSENT = { kind: 'absent' };

describe('the owner that a source names beside the record', () => {
  it.each<[unknown, string, object]>([
    ['42', '42', READ],
    [42, '42', READ],
    [42, '43', ABSENT],
    ['one', 'two', ABSENT],
    ['', 'one', ABSENT],
    [undefined, 'one', READ],
    [null, 'one', READ],
  ])('%j asked for by %j: %o', async (owner, user, expected) => {
    expect(await read(given(owner), user)).toMatchObject(expected);
  });

  it.each([[[]], [['one']], [{ id: 'one' }], [{}], [true], [false]])(
    '%j makes the call unusable for every user',
    async (owner) => {
      for (const user of ['one', 'two', 'true', '', '[object Object]']) {
        const reason = "the call source's user_id is neither a string nor a number";
        expect(await read(given(owner), user)).toEqual({ kind: 'unusable', reason });
      }
    },
  );

  it('goes before the one in the record; without either the call is the default owner’s', async () => {
    expect(await read(given('one', '{"user_id":"two"}'), 'one')).toMatchObject(READ);
    expect(await read(given('one', '{"user_id":"two"}'), 'two')).toEqual(ABSENT);
    expect(await read(given(undefined, '{"user_id":"two"}'), 'one', { defaultUserId: 'one' })).toEqual(ABSENT);
    expect(await read(given(undefined), 'one', { defaultUserId: 'two' })).toEqual(ABSENT);
    expect(await read(given(null, '{"user_id":null}'), 'two', { defaultUserId: 'two' })).toMatchObject(READ);
  });
});

describe('what a source answers instead of a call', () => {
  it.each<[string, unknown, string]>([
    ['another call', { call_id: 'c-2', data: '{}' }, 'the call source answered with another call'],
    ['no ID', { data: '{}' }, 'the call source answered with another call'],
    ['a record with another call’s ID', given('42', '{"call_id":"c-2"}'), 'the record has the call_id of another call'],
    ['no data', given('42', null), 'the call is not a JSON object'],
    ['undefined data', { call_id: 'c-1' }, 'the call cannot be serialised as JSON'],
    ['a list', given('42', [1]), 'the call is not a JSON object'],
    ['bytes', given('42', Buffer.from('{}')), 'the call is bytes: give its text'],
    ['a bigint in it', given('42', { n: 1n }), 'the call cannot be serialised as JSON'],
    ['two texts', given('42', '{}{}'), 'the call is not JSON'],
  ])('%s is unusable', async (_, call, reason) => {
    expect(await read(call)).toEqual({ kind: 'unusable', reason });
  });

  it.each([undefined, null, false, 0, ''])('%j: there is none', async (call) => {
    expect(await read(call)).toEqual(ABSENT);
  });
});
