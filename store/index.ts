export { isDataError } from './driver-errors.js';
export * from './errors.js';
export * from './open-store.js';
export { IN_MEMORY } from './pglite/open.js';
export * from './store.js';
