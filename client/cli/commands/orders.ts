import type { Command } from 'commander';
import type { BatchHandle } from '../../batch-handle.js';
import type { Session } from '../session.js';
import { withBatch } from './batch.js';

interface Order {
  summary: string;
  /** True once the order is given. */
  done: string;
  give(batch: BatchHandle): Promise<boolean>;
}

const ORDERS: Record<string, Order> = {
  pause: {
    summary: 'start no more attempts of a batch; those in flight finish',
    done: 'pauses: attempts in flight finish, none starts',
    give: (batch) => batch.pause(),
  },
  resume: {
    summary: 'go on with a paused batch',
    done: 'goes on',
    give: (batch) => batch.resume(),
  },
  cancel: {
    summary: 'end a batch; attempts in flight finish, the other calls are canceled',
    done: 'is being canceled: attempts in flight finish',
    give: (batch) => batch.cancel(),
  },
};

/** The orders to a batch. All are safe to repeat. */
export function addOrderCommands(program: Command, session: Session): void {
  program
    .command('retry')
    .summary('let waiting calls of a batch try now')
    .description('Lets the waiting calls of a batch, or those named, try now instead of at their scheduled time.')
    .argument('<batch>', "the batch's ID")
    .argument('[call_ids...]', 'only these calls')
    .action((id: string, callIds: string[]) => {
      const request = callIds.length > 0 ? { call_ids: callIds } : {};
      return giveOrder('retry', id, 'lets its waiting calls try now', (batch) => batch.retryNow(request), session);
    });
  for (const [name, { summary, done, give }] of Object.entries(ORDERS)) {
    program
      .command(name)
      .description(summary)
      .argument('<batch>', "the batch's ID")
      .action((id: string) => giveOrder(name, id, done, give, session));
  }
}

const giveOrder = (
  order: string,
  batchId: string,
  done: string,
  give: (batch: BatchHandle) => Promise<boolean>,
  session: Session,
): Promise<void> =>
  withBatch(batchId, session, async (batch) => {
    const accepted = await give(batch);
    session.output.print({ batch_id: batchId, order, accepted }, () =>
      accepted ? `Batch ${batchId} ${done}` : `Batch ${batchId} has ended already: there is nothing to do`,
    );
  });
