/** Headers of an answer for a batch, as the OpenAPI document shows them. */
export const BATCH_HEADERS = {
  location: { type: 'string', description: 'Path of the batch: its progress, and what can be done with it.' },
  'preference-applied': { type: 'string', description: '`wait=N`, when the request preferred one.' },
};
