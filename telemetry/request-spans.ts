import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { contextOf, traceparentOf } from './trace-context.js';

export interface TracedRequest {
  method: string;
  /** The path's pattern: its parameters are in no name. */
  route: string;
  /** The path, without a query. */
  path: string;
  scheme: string;
  /** Of its caller; a valid one. */
  traceparent?: string;
}

export interface RequestSpan {
  readonly traceparent: string;
  /** What is called within makes spans below this one. */
  within<T>(work: () => T): T;
  end(status: number): void;
}

/** Makes a span for each request to the API. */
export interface RequestTracer {
  startRequest(request: TracedRequest): RequestSpan;
}

/** By OpenTelemetry's conventions for HTTP servers (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). */
export class RequestSpans implements RequestTracer {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  startRequest({ method, route, path, scheme, traceparent }: TracedRequest): RequestSpan {
    const parent = traceparent === undefined ? ROOT_CONTEXT : contextOf(traceparent);
    const attributes = {
      'http.request.method': method,
      'http.route': route,
      'url.path': path,
      'url.scheme': scheme,
    };
    const span = this.#tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
    return {
      traceparent: traceparentOf(span.spanContext()),
      within: (work) => context.with(trace.setSpan(parent, span), work),
      end: (status) => {
        span.setAttribute('http.response.status_code', status);
        if (status >= 500) {
          span.setAttribute('error.type', String(status));
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      },
    };
  }
}
