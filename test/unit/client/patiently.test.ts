import { expect, test } from 'vitest';
import { ServiceRefusedError, ServiceUnavailableError } from '../../../client/errors/index.js';
import { patiently } from '../../../client/patiently.js';

/** Fails as told, one call after the other, and then answers. */
function scripted(...errors: Error[]) {
  const calls: number[] = [];
  const send = async (timeoutMs: number) => {
    calls.push(timeoutMs);
    const error = errors.shift();
    if (error) throw error;
    return 'answer';
  };
  return { send, calls };
}

const away = () => new ServiceUnavailableError('away');

test('a request is repeated while the service is unavailable, with the time that is left', async () => {
  const { send, calls } = scripted(away(), away());
  expect(await patiently(10_000, send)).toBe('answer');
  expect(calls).toHaveLength(3);
  expect(calls).toEqual(calls.toSorted((a, b) => b - a));
  expect(calls[0]).toBeLessThanOrEqual(10_000);
});

test('what repeating does not help is thrown at once', async () => {
  const { send, calls } = scripted(new ServiceRefusedError('no'));
  await expect(patiently(10_000, send)).rejects.toThrow(ServiceRefusedError);
  expect(calls).toHaveLength(1);
});

test('the last error is thrown when the time is over', async () => {
  const { send, calls } = scripted(away());
  await expect(patiently(0, send)).rejects.toThrow(ServiceUnavailableError);
  expect(calls).toHaveLength(1);
});
