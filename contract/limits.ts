/** Calls in one request over HTTP: 10,000 call IDs of 128 characters stay under Temporal's 2 MiB payload limit. */
export const MAX_CALLS_PER_REQUEST = 10_000;
/** Calls in one batch that a client starts. */
export const MAX_CALLS_PER_BATCH = 30_000;
/** Calls of one statement, and of one page of outcomes. */
export const PAGE_SIZE = 500;
/** Characters in a call ID. */
export const MAX_CALL_ID_LENGTH = 128;
/** Characters in a webhook URL. */
export const MAX_URL_LENGTH = 2_048;
/** Characters in an idempotency key. */
export const MAX_IDEMPOTENCY_KEY_LENGTH = 255;
/** Bytes of a batch's serialised request. A continue-as-new adds where its calls stand, and must stay below Temporal's 2 MiB payload limit. */
export const MAX_BATCH_INPUT_BYTES = 1_400_000;
/** Attempts in flight: of a batch, unless the caller says otherwise; of a worker to one origin, unless the operator does. */
export const DEFAULT_MAX_IN_FLIGHT = 100;
/** Attempts in a row that must fail at the endpoint's level before its untried calls wait. */
export const DEFAULT_DOWN_AFTER = 10;
/** Calls that one order may name. */
export const MAX_CALLS_PER_ORDER = 1_000;
/** Bytes of one serialised order: ten thousand of them must fit into a history. */
export const MAX_ORDER_BYTES = 64 * 1_024;
/** Per-call errors that a batch's result carries; the `outcomes` query has them all. */
export const MAX_ERRORS_IN_RESULT = 1_000;
/** The task queue that workers poll, unless TEMPORAL_TASK_QUEUE names another. */
export const DEFAULT_TASK_QUEUE = 'postcall-webhooks';
/** Where the embedded Temporal server listens, and where Temporal is looked for when nothing names it. */
export const DEFAULT_TEMPORAL_PORT = 7233;
/** Failed webhooks in one page of their list. */
export const MAX_FAILED_PAGE = 500;
