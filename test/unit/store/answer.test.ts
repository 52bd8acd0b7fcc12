import { describe, expect, it } from 'vitest';
import {
  answerList,
  boolean,
  float,
  integer,
  milliseconds,
  orEmpty,
  orNull,
  text,
  wrongColumn,
} from '../../../store/answer.js';

const COLUMNS = {
  place: integer('request.place'),
  url: text(),
  error: orNull(text('a.error')),
  share: float(),
  due_in: orNull(milliseconds('due - now()')),
  is_there: boolean('id is not null'),
  step: orEmpty(integer()),
  label: orEmpty(text('b.name')),
};
const ROW = { place: 1, url: 'x', error: null, share: 0.5, due_in: 12.5, is_there: true, step: 0, label: '' };

it('lists expressions with their types and names', () => {
  expect(answerList(COLUMNS)).toBe(
    '(request.place)::integer as "place", (url)::text as "url", (a.error)::text as "error", (share)::float8 as "share", ' +
      '(extract(epoch from due - now()) * 1000)::float8 as "due_in", (id is not null)::boolean as "is_there", ' +
      'coalesce((step)::integer, 0) as "step", coalesce((b.name)::text, \'\') as "label"',
  );
});

describe('a row', () => {
  it('has every column as it is declared', () => {
    expect(wrongColumn(COLUMNS, ROW)).toBeUndefined();
    expect(wrongColumn(COLUMNS, { ...ROW, error: 'it failed', due_in: null, other: 1 })).toBeUndefined();
  });

  it.each([
    ['place', '1'],
    ['place', null],
    ['url', null],
    ['url', undefined],
    ['error', 5],
    ['due_in', '12.5'],
    ['is_there', null],
    ['step', null],
  ])('is refused for %s of %j', (name, value) => {
    expect(wrongColumn(COLUMNS, { ...ROW, [name]: value })).toBe(name);
  });
});
