import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

/** A worker that dies is noticed after this long without a heartbeat. */
const HEARTBEAT_TIMEOUT = '10s';
/** For activities that answer for themselves that the store is away, and then are not to be repeated by the server. */
const ONCE = { maximumAttempts: 1 };

/** Inside the workflow task: a marker in the history for each, and none of the server's work. They answer within a moment. */
export const local = proxyLocalActivities<Activities>({ startToCloseTimeout: '30s', retry: ONCE });

/** Nothing goes on without it. Repeated within the workflow task: where a worker stands still, or a codec fails. */
export const { recordBeginning } = proxyLocalActivities<Pick<Activities, 'recordBeginning'>>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', maximumInterval: '10s' },
  summary: 'what has come in, and when',
});

const watching = proxyActivities<Pick<Activities, 'watchAttempts'>>({
  startToCloseTimeout: '1m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

const recording = proxyActivities<Pick<Activities, 'checkpoint'>>({
  startToCloseTimeout: '30s',
  retry: ONCE,
  summary: 'where the calls stand',
});

/** Scheduled by the server when the workflow task ends. */
export const regular = { watchAttempts: watching.watchAttempts, checkpoint: recording.checkpoint };

/** Retried by the server while the store is away. */
export const { findFailed } = proxyActivities<Pick<Activities, 'findFailed'>>({
  summary: 'a page of failed webhooks',
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
});
