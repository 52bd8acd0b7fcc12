import { Client } from '@temporalio/client';
import { loadPayloadCodecs } from '../../../config/payload-codecs.js';
import { PRUNE_WORKFLOW } from '../../../contract/index.js';
import { arrangePruneSchedule, pruneScheduleId, type ScheduleChange } from '../../prune-schedule.js';
import { notAllowed } from '../not-allowed.js';
import type { SetupContext, SetupResult, SetupStep } from './step.js';

/** The Schedule that removes what finished batches have left. */
export const pruning: SetupStep = {
  name: 'pruning',
  run: async (context) => {
    const { connection, namespace, config } = context;
    const payloadCodecs = await loadPayloadCodecs(config.codecModule);
    const client = new Client({ connection, namespace, dataConverter: { payloadCodecs } });
    const { taskQueue, retentionMs } = config;
    try {
      return told(await arrangePruneSchedule(client, { taskQueue, retentionMs }), taskQueue);
    } catch (thrown) {
      const refusal = notAllowed(thrown);
      if (!refusal) throw thrown;
      return byHand(context, refusal.details);
    }
  },
};

function told(change: ScheduleChange, taskQueue: string): SetupResult {
  const id = pruneScheduleId(taskQueue);
  switch (change) {
    case 'none':
      return { status: 'unchanged', message: 'POSTCALL_RETENTION is not set: nothing is removed by itself' };
    case 'unchanged':
      return { status: 'unchanged', message: `the Schedule ${id} is there already` };
    case 'removed':
      return { status: 'done', message: `POSTCALL_RETENTION is not set: the Schedule ${id} was removed` };
    case 'created':
    case 'updated':
      return { status: 'done', message: `the Schedule ${id} was ${change}` };
  }
}

function byHand({ namespace, config: { taskQueue, retentionMs } }: SetupContext, reason: string): SetupResult {
  const id = pruneScheduleId(taskQueue);
  const name = `--namespace ${namespace} --schedule-id ${id}`;
  const command =
    retentionMs === undefined
      ? `temporal schedule delete ${name}`
      : `temporal schedule create ${name} --calendar '{"hour":"3"}' --jitter 30m --overlap-policy Skip ` +
        `--task-queue ${taskQueue} --type ${PRUNE_WORKFLOW} --workflow-id ${id}-run --input '{"older_than_ms":${retentionMs}}'`;
  const message = `this connection may not arrange its Schedule (${reason}). Who may runs:`;
  return { status: 'by_hand', message, commands: [command] };
}
