import { expect, test } from 'vitest';
import { MissingKeys } from '../../../activities/missing-keys.js';
import { EncryptionKeyMissingError } from '../../../store/index.js';

test('each key is told of once a minute', () => {
  const told: string[] = [];
  let now = 0;
  const keys = new MissingKeys(
    (what) => told.push(what),
    () => now,
  );
  const note = (id: string) => keys.note(new EncryptionKeyMissingError(id, undefined));
  for (const at of [0, 1, 59_999, 60_000, 60_001]) {
    now = at;
    note('old:00000000');
  }
  note('new:11111111');
  expect(told.map((what) => /key (\w+):/.exec(what)?.[1])).toEqual(['old', 'old', 'new']);
});
