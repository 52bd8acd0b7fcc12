export { deliverWebhooks } from './deliver-webhooks.js';
export { findFailedWebhooks, resendFailedWebhooks } from './failed-webhooks.js';
export { pruneWebhooks } from './prune-webhooks.js';
