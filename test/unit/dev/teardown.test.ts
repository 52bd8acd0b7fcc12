import { describe, expect, test } from 'vitest';
import { Teardown } from '../../../dev/teardown.js';

describe('a teardown', () => {
  test('undoes the last thing first, one after the other, and only once', async () => {
    const done: string[] = [];
    const teardown = new Teardown();
    for (const name of ['first', 'second', 'third']) {
      teardown.add(async () => {
        await Promise.resolve();
        done.push(name);
      });
    }
    await teardown.run();
    await teardown.run();
    expect(done).toEqual(['third', 'second', 'first']);
  });

  test('goes on after a failure, and throws it at the end', async () => {
    const done: string[] = [];
    const teardown = new Teardown();
    teardown.add(async () => void done.push('first'));
    teardown.add(() => Promise.reject(new Error('second failed')));
    await expect(teardown.run()).rejects.toThrow('second failed');
    expect(done).toEqual(['first']);
  });

  test('throws all failures together', async () => {
    const teardown = new Teardown();
    teardown.add(() => Promise.reject(new Error('one')));
    teardown.add(() => Promise.reject(new Error('two')));
    await expect(teardown.run()).rejects.toMatchObject({ errors: [{ message: 'two' }, { message: 'one' }] });
  });
});
