import { expect, test } from 'vitest';
import { StoreQueryError, StoreUnavailableError } from '../../../store/errors.js';
import { AGAIN, inPasses } from '../../../store/passes.js';

const identity = (text: string) => text;

/** Records which requests shared a statement. */
function recorded<Answer>(answer: (request: string) => Answer) {
  const statements: string[][] = [];
  const statement = async (requests: readonly string[]) => {
    statements.push([...requests]);
    return requests.map(answer);
  };
  return { statements, statement };
}

test('requests with the same key never share a statement, and are answered in their order', async () => {
  const { statements, statement } = recorded((request) => request.toUpperCase());
  expect(await inPasses(statement, (text) => text[0] ?? '', ['a1', 'b1', 'a2', 'a3', 'b2'])).toEqual([
    'A1',
    'B1',
    'A2',
    'A3',
    'B2',
  ]);
  expect(statements).toEqual([['a1', 'b1'], ['a2', 'b2'], ['a3']]);
});

test('what lost a race is asked again, and nothing else is', async () => {
  let races = 2;
  const { statements, statement } = recorded((request) => (request === 'b' && races-- > 0 ? AGAIN : `${request}!`));
  expect(await inPasses(statement, identity, ['a', 'b', 'c'])).toEqual(['a!', 'b!', 'c!']);
  expect(statements).toEqual([['a', 'b', 'c'], ['b'], ['b']]);
});

test('a race that is lost over and over ends as unavailable', async () => {
  const { statement } = recorded((request) => (request === 'b' ? AGAIN : request));
  const [a, b] = await inPasses(statement, identity, ['a', 'b']);
  expect(a).toBe('a');
  expect(b).toBeInstanceOf(StoreUnavailableError);
});

test('data that makes a statement fail fails its own request alone, with few statements', async () => {
  const requests = [...Array(200).keys()].map(String);
  let statements = 0;
  const statement = async (group: readonly string[]) => {
    statements++;
    if (group.includes('77')) throw new StoreQueryError('invalid', '22P02');
    return [...group];
  };
  const answers = await inPasses(statement, identity, requests);
  expect(answers.map((answer) => (answer instanceof Error ? 'error' : answer))).toEqual(
    requests.map((request) => (request === '77' ? 'error' : request)),
  );
  expect(statements).toBeLessThan(20);
});

test('a database that is away is the failure of all that shared the statement', async () => {
  let statements = 0;
  const statement = async () => {
    statements++;
    throw new StoreUnavailableError('away');
  };
  const answers = await inPasses<string, string>(statement, identity, ['a', 'b']);
  expect(answers.every((answer) => answer instanceof StoreUnavailableError)).toBe(true);
  expect(statements).toBe(1);
});

test('answers of an earlier round stand when a later one fails', async () => {
  let statements = 0;
  const statement = async (group: readonly string[]) => {
    if (statements++ > 0) throw new StoreUnavailableError('away');
    return [...group];
  };
  const [first, second] = await inPasses(statement, () => 'same', ['a', 'b']);
  expect(first).toBe('a');
  expect(second).toBeInstanceOf(StoreUnavailableError);
});
