export { installRuntime } from './runtime.js';
export { type RunningWorker, startWorker, type WorkerDependencies } from './worker.js';
