import { Connection } from '@temporalio/client';

/** Requests at once, each canceled within so many milliseconds: mostly soon, since only a statement under way can be interrupted. */
const LANES = 20;
const WITHIN_MS = 60;
const LIMIT_MS = 120_000;

/**
 * Cancels requests in the middle, as any client of the server may, until the server's database stays interrupted. No statement of any
 * client succeeds then.
 */
export async function interruptDatabase(address: string): Promise<void> {
  const connection = await Connection.connect({ address, interceptors: [] });
  try {
    let isInterrupted = false;
    const lane = async () => {
      for (const limit = Date.now() + LIMIT_MS; !isInterrupted; ) {
        if (Date.now() > limit) throw new Error('the database does not stay interrupted');
        await canceledRequest(connection);
      }
    };
    const look = async () => {
      while (!isInterrupted) isInterrupted = await staysInterrupted(connection);
    };
    await Promise.all([look(), ...Array.from({ length: LANES }, lane)]);
  } finally {
    await connection.close();
  }
}

async function canceledRequest(connection: Connection): Promise<void> {
  const canceling = new AbortController();
  const timer = setTimeout(() => canceling.abort(), Math.random() ** 3 * WITHIN_MS);
  const { workflowService } = connection;
  // The server lists ten times a second at most.
  const ask = () =>
    Math.random() < 0.5
      ? workflowService.describeNamespace({ namespace: 'default' })
      : workflowService.listWorkflowExecutions({ namespace: 'default', pageSize: 50 });
  // Canceled, or refused for being too many: all that matters is that it breaks off.
  await connection.withAbortSignal<unknown>(canceling.signal, ask).catch(() => undefined);
  clearTimeout(timer);
}

/** Three times in a row: an interruption that the database gets over fails one statement. */
async function staysInterrupted(connection: Connection): Promise<boolean> {
  for (let times = 0; times < 3; times += 1) {
    const error = await describeNamespace(connection);
    if (!/interrupted/.test(error?.message ?? '')) return false;
  }
  return true;
}

async function describeNamespace(connection: Connection): Promise<Error | undefined> {
  try {
    await connection.workflowService.describeNamespace({ namespace: 'default' });
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
