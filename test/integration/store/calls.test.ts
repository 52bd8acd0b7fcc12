import { expect, test } from 'vitest';
import { InvalidRequestError } from '../../../contract/index.js';
import { describeStores, unique } from '../../support/stores.js';

const deep = `{"a":${'['.repeat(100)}${']'.repeat(100)}}`;

describeStores('the calls table', (harness) => {
  const textOf = async (user_id: string, call_id: string): Promise<string | undefined> => {
    const [row] = await harness().query<{ data: string }>(
      'select data from calls where user_id = $1 and call_id = $2',
      [user_id, call_id],
    );
    return row?.data;
  };

  test.each([
    ['nothing', '', 'the call is not JSON'],
    ['no object', '[1]', 'the call is not a JSON object'],
    ['two objects', '{}{}', 'the call is not JSON'],
    ['what looks encrypted', 'enc1:key:00000000:AAAA', 'the call is not JSON'],
    ['too deep', deep, 'the call is nested deeper than 100 levels'],
    ['too large', `{"a":"${'x'.repeat(10 * 1024 * 1024)}"}`, 'the call has more than 10485760 bytes'],
    ['a lone surrogate', '{"a":"\ud83d"}', 'the call is not well-formed Unicode'],
    ['two owners', '{"user_id":"a","user_id":"a"}', 'the record has more than one user_id'],
    ['an owner that is none', '{"user_id":["a"]}', "the record's user_id is neither a string nor a number"],
    ['another call', '{"call_id":"other"}', 'the record has the call_id of another call'],
    ['bytes', Buffer.from('{}') as never, 'the call is bytes: give its text'],
  ])('refuses %s, and stores none of the calls beside it', async (_, data, reason) => {
    const { store } = harness();
    const user_id = unique('user');
    const calls = [
      { user_id, call_id: 'good', data: '{}' },
      { user_id, call_id: 'bad', data },
    ];
    const error = await store.upsertCalls(calls).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect((error as InvalidRequestError).problems).toEqual([
      { field: 'calls[1].data', message: `calls[1].data: ${reason}` },
    ]);
    expect(await textOf(user_id, 'good')).toBeUndefined();
  });

  test('refuses IDs that no request could name', async () => {
    const { store } = harness();
    const bad = [
      { user_id: '', call_id: 'c', data: '{}' },
      { user_id: 'u', call_id: 'a\0b', data: '{}' },
    ];
    await expect(store.upsertCalls(bad)).rejects.toThrow(
      'calls[0].user_id must not be empty; calls[1].call_id must not contain control characters',
    );
  });

  test('names twenty problems at most', async () => {
    const calls = Array.from({ length: 500 }, (_, n) => ({ user_id: 'u', call_id: `c-${n}`, data: 'x' }));
    const error = await harness()
      .store.upsertCalls(calls)
      .catch((thrown: unknown) => thrown);
    expect((error as InvalidRequestError).problems).toHaveLength(20);
  });

  test('keeps a text byte for byte, and the last of several', async () => {
    const { store } = harness();
    const user_id = unique('user');
    const text = ' {"n": 1.10, "n":\n1e400, "\\u00e9":"\u2028🎧"} ';
    await store.upsertCalls([
      { user_id, call_id: 'c', data: '{}' },
      { user_id, call_id: 'c', data: text },
      { user_id: `${user_id}-2`, call_id: 'c', data: { call_id: 'c', n: -0 } },
    ]);
    expect(await textOf(user_id, 'c')).toBe(text);
    expect(await textOf(`${user_id}-2`, 'c')).toBe('{"call_id":"c","n":0}');
  });
});
