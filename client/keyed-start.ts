import { DELIVER_WORKFLOW } from '../contract/index.js';
import { type BatchStart, workflowStart } from './batch-start.js';
import { BatchWorkflow } from './batch-workflow.js';
import { BatchNotFoundError, IdempotencyConflictError, ServiceUnavailableError } from './errors/index.js';
import type { ReusePolicy, Temporal } from './temporal.js';
import type { DeliverWorkflow } from './workflow-types.js';

/** Others may start under the same key between two looks. */
const MAX_TRIES = 5;

/**
 * Starts a request with an idempotency key, or finds the batch that the first request with this key started, and resolves to its ID.
 * Where that one had every call rejected, the same request starts a new batch. Throws `IdempotencyConflictError` for another request.
 */
export async function startOrFind(
  temporal: Temporal,
  start: BatchStart,
  { idempotencyKey, fingerprint }: NonNullable<BatchStart['repeatable']>,
): Promise<string> {
  let policy: ReusePolicy = 'REJECT_DUPLICATE';
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { batchIds, options } = workflowStart([start]);
    const [batchId = ''] = batchIds;
    if (await temporal.start<DeliverWorkflow>(DELIVER_WORKFLOW, options, policy)) return batchId;
    const found = await findBatch(temporal, options.workflowId);
    if (!found) continue;
    if (found.fingerprint !== fingerprint) throw new IdempotencyConflictError(idempotencyKey, found.batch_id);
    if (!found.everyCallRejected) return found.batch_id;
    policy = 'ALLOW_DUPLICATE_FAILED_ONLY';
  }
  throw new ServiceUnavailableError('others start batches under the same idempotency key');
}

/** Undefined when the service has forgotten it meanwhile. */
async function findBatch(temporal: Temporal, workflowId: string) {
  try {
    const { batches, failure } = await temporal.describe({ workflowId });
    const [batch] = batches;
    if (!batch) return undefined;
    const mayBeRejected = failure?.failure === 'failed';
    const result = mayBeRejected && (await new BatchWorkflow(temporal, batch.batch_id).resultOfEnded());
    return { ...batch, everyCallRejected: Boolean(result) };
  } catch (error) {
    if (error instanceof BatchNotFoundError) return undefined;
    throw error;
  }
}
