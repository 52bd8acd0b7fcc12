import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { AttemptTracer } from '../activities/attempt-tracer.js';
import type { Config } from '../config/index.js';
import type { RequestTracer } from './request-spans.js';

/** Spans of this process, which are exported by OTLP. */
export interface Tracing {
  attempts: AttemptTracer;
  requests: RequestTracer;
  /** Of a Temporal client: spans of its requests, which hand the trace on to the workflow. */
  clientInterceptors: WorkflowClientInterceptor[];
  /** Of a worker whose workflow code was bundled with the interceptors of `WORKFLOW_INTERCEPTORS`. */
  worker: Required<Pick<WorkerOptions, 'interceptors' | 'sinks'>>;
  /** Exports what has ended so far. */
  flush(): Promise<void>;
  /** Exports what has ended, for five seconds at most. */
  close(): Promise<void>;
}

export interface TracingOptions {
  config: Pick<Config, 'tracing'>;
  logger: Pick<Logger, 'info' | 'warn'>;
  /** `service.name`, where OTEL_SERVICE_NAME says nothing. */
  service: string;
}

/** Nothing was started. */
export class TracingUnavailableError extends Error {
  override readonly name = 'TracingUnavailableError';
}

/** The package whose interceptors make spans of workflows, and the module of them that workflow code is bundled with. */
export const WORKFLOW_INTERCEPTORS = '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors';

/**
 * Undefined where POSTCALL_TRACING asks for no spans: then nothing of OpenTelemetry's SDK is loaded. Otherwise OTEL_ variables say where
 * spans go. Once a process: it registers itself as OpenTelemetry's global provider.
 * @throws {TracingUnavailableError} when the packages that it needs were not installed.
 */
export async function openTracing({ config, ...options }: TracingOptions): Promise<Tracing | undefined> {
  if (config.tracing !== 'spans') return undefined;
  try {
    const { createTracing } = await import('./open-telemetry.js');
    return createTracing(options);
  } catch (error) {
    if (!isMissingModule(error)) throw error;
    const remedy = 'install them with `npm ci --include=optional`';
    throw new TracingUnavailableError(`POSTCALL_TRACING=spans needs packages that were left out: ${remedy}`, {
      cause: error,
    });
  }
}

/** Whether a package was not found: `import` and `require` say it each with a code of its own. */
export const isMissingModule = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(?:ERR_)?MODULE_NOT_FOUND$/.test(String(error.code));
