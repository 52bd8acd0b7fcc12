import { type Command, Option } from 'commander';
import { CALL_STATUSES, type CallOutcome, type CallStatus } from '../../../contract/index.js';
import type { BatchHandle } from '../../batch-handle.js';
import { follow, progressTable } from '../follow.js';
import type { Session } from '../session.js';
import { printResult } from './accept.js';

/** The commands that look at a batch. */
export function addBatchCommands(program: Command, session: Session): void {
  const forBatch = (name: string, summary: string) =>
    program
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
      .argument('<batch>', "the batch's ID");

  forBatch('progress', 'show how many calls of a batch stand where').action((id: string) =>
    withBatch(id, session, async (batch) => {
      const progress = await batch.progress();
      session.output.print(progress, () => progressTable(progress));
    }),
  );
  forBatch('watch', 'follow a batch to its end').action((id: string) =>
    withBatch(id, session, (batch) => follow(batch, session)),
  );
  forBatch('result', "wait for a batch's end and show what it came to").action((id: string) =>
    withBatch(id, session, (batch) => printResult(batch, session)),
  );
  forBatch('outcomes', 'list what became of each call of a batch')
    .addOption(new Option('--status <status>', 'only calls that stand so').choices(CALL_STATUSES))
    .action((id: string, { status }: { status?: CallStatus }) =>
      withBatch(id, session, async (batch) => {
        for await (const outcome of batch.outcomes(status ? { status } : {})) {
          session.output.print(outcome, () => outcomeLine(outcome));
        }
      }),
    );
}

export const withBatch = (
  batchId: string,
  session: Session,
  use: (batch: BatchHandle) => Promise<void>,
): Promise<void> => session.withClient((client) => use(client.getHandle(batchId)));

const outcomeLine = ({ call_id, status, error }: CallOutcome): string =>
  [status.padEnd('delivered'.length), call_id, ...(error ? [`${error.type}: ${error.message}`] : [])].join('  ');
