import type { WorkflowClient } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { ServiceUnavailableError } from '../../../client/errors/index.js';
import { Requests } from '../../../client/requests.js';

const ANY = { workflowId: 'w' };
const SHORT = { timeoutMs: 1 };

/** A service whose answers come when the test lets them, and what it was asked, with each request's deadline. */
function heldService() {
  const answers: ((error?: Error) => void)[] = [];
  const deadlines: number[] = [];
  const workflows = {
    withDeadline: (deadline: number, send: () => Promise<unknown>) => {
      deadlines.push(deadline);
      return send();
    },
  } as unknown as WorkflowClient;
  const send = () =>
    new Promise<string>((resolve, reject) => {
      answers.push((error) => (error ? reject(error) : resolve('answer')));
    });
  return { requests: new Requests(workflows, 'queue'), send, answers, deadlines };
}

describe('an abandoned request', () => {
  test('goes on until the service answers, well beyond the wait', async () => {
    const { requests, send, answers, deadlines } = heldService();
    const sentAt = Date.now();
    await expect(requests.run(ANY, SHORT, send)).rejects.toThrow(ServiceUnavailableError);
    expect(deadlines[0]).toBeGreaterThan(sentAt + 10_000);
    let isClosed = false;
    const closed = requests.close().then(() => {
      isClosed = true;
    });
    await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    answers[0]?.();
    await closed;
  });

  test('counts: beyond 500 of them new ones are refused unsent, until some have ended', async () => {
    const { requests, send, answers } = heldService();
    const given = await Promise.allSettled(Array.from({ length: 500 }, () => requests.run(ANY, SHORT, send)));
    expect(given.every(({ status }) => status === 'rejected')).toBe(true);
    await expect(requests.run(ANY, SHORT, send)).rejects.toThrow('500 requests have not been answered');
    expect(answers).toHaveLength(500);
    answers[0]?.();
    answers[1]?.(new Error('broken'));
    await new Promise(setImmediate);
    const next = requests.run(ANY, { timeoutMs: 60_000 }, send);
    answers[500]?.();
    expect(await next).toBe('answer');
  });

  test('is no obstacle to those that are answered in time, however many they are', async () => {
    const { requests, send, answers } = heldService();
    const given = Array.from({ length: 1_000 }, () => requests.run(ANY, { timeoutMs: 60_000 }, send));
    for (const answer of answers) answer();
    expect(await Promise.all(given)).toHaveLength(1_000);
  });
});

test('nothing is sent once it is closed', async () => {
  const { requests, send, answers } = heldService();
  await requests.close();
  await expect(requests.run(ANY, SHORT, send)).rejects.toThrow('the client was closed');
  expect(answers).toHaveLength(0);
});
