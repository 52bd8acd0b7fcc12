export { deliverBatch } from './deliver-batch.js';
export { deliverPage } from './deliver-page.js';
export { findFailedWebhooks, resendFailedWebhooks } from './failed-webhooks.js';
