import { type Command, Option } from 'commander';
import type { BatchHandle } from '../../batch-handle.js';
import { counted } from '../../counted.js';
import { exitCodeOf, follow, resultText } from '../follow.js';
import type { Session } from '../session.js';

export interface WaitOptions {
  watch?: true;
  wait?: true;
}

export const addWaitOptions = (command: Command): Command =>
  command
    .addOption(new Option('--watch', 'show progress until the batch has ended').conflicts('wait'))
    .option('--wait', 'wait for the result and print it');

/** Says that a batch was accepted, and follows it as the options ask. */
export async function accept(
  batch: BatchHandle,
  calls: number,
  { watch, wait }: WaitOptions,
  session: Session,
): Promise<void> {
  const { batchId: batch_id, workflowId: workflow_id } = batch;
  const text = `Batch ${batch_id} accepted: ${counted(calls, 'call')}`;
  if (wait) {
    session.output.note(text);
    await printResult(batch, session);
    return;
  }
  session.output.print({ batch_id, workflow_id }, () =>
    watch ? text : `${text}\nFollow it: postcall watch ${batch_id}`,
  );
  if (watch) await follow(batch, session);
}

/** Waits for the result and prints it. */
export async function printResult(batch: BatchHandle, session: Session): Promise<void> {
  const result = await session.interruptible((signal) => batch.result({ signal }));
  session.output.print(result, () => resultText(result));
  session.exitCode = exitCodeOf(result);
}
