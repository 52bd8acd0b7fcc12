export {
  type BatchOptions,
  type BatchResult,
  type CallOutcome,
  type CreateRequest,
  type FailedPage,
  type FailedRequest,
  type FailedWebhook,
  InvalidRequestError,
  type Progress,
  type ProgressReport,
  type ResendFailedRequest,
  type ResendFailedResult,
  type ResendRequest,
} from '../contract/index.js';
export { type BatchDescription, BatchHandle, type WatchOptions } from './batch-handle.js';
export { RECONNECT_ARGS } from './connect.js';
export * from './errors/index.js';
export type { GroupingOptions } from './grouped-starts.js';
export { PostcallClient, type PostcallClientOptions, type PostcallConnectOptions } from './postcall-client.js';
export { ResendFailedHandle } from './resend-failed-handle.js';
