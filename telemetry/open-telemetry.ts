import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { envDetectorSync, Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry';
import { version } from '../config/version.js';
import { withTimeOut } from '../contract/time-out.js';
import { AttemptSpans } from './attempt-spans.js';
import { RequestSpans } from './request-spans.js';
import { ToldExporter } from './told-exporter.js';
import type { Tracing, TracingOptions } from './tracing.js';

/** Spans that are not exported so long after a process's stop are given up. */
const FLUSH_MS = 5_000;

export interface OpenTelemetryOptions extends Omit<TracingOptions, 'config'> {
  /** Where spans go. Default: by OTLP over HTTP, as OTEL_EXPORTER_OTLP_ variables say. */
  exporter?: SpanExporter;
}

/** Loaded where spans are asked for, and by nothing else. Exporter, sampler and processor read their OTEL_ variables themselves. */
export function createTracing({ logger, service, exporter = new OTLPTraceExporter() }: OpenTelemetryOptions): Tracing {
  const own = new Resource({ 'service.name': service, 'service.version': version });
  const resource = Resource.default().merge(own).merge(envDetectorSync.detect());
  const processor = new BatchSpanProcessor(new ToldExporter(exporter, logger));
  const provider = new NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register();
  const tracer = provider.getTracer('postcall-webhooks', version);
  return {
    attempts: new AttemptSpans(tracer),
    requests: new RequestSpans(tracer),
    clientInterceptors: [new OpenTelemetryWorkflowClientInterceptor()],
    worker: {
      interceptors: { activity: [(context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(context) })] },
      sinks: { exporter: makeWorkflowExporter(processor, resource) },
    },
    flush: () => provider.forceFlush(),
    close: async () => {
      const reason = () => new Error(`not within ${FLUSH_MS} ms`);
      try {
        await withTimeOut(FLUSH_MS, () => provider.shutdown(), { reason });
      } catch (error) {
        logger.warn({ err: error }, 'the last spans could not be exported');
      }
    },
  };
}
