export { openTracing, type Tracing, type TracingOptions, TracingUnavailableError } from '../telemetry/index.js';
export { installRuntime } from './runtime.js';
export { type RunningWorker, startWorker, type WorkerDependencies } from './worker.js';
