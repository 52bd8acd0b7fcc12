import { type Attributes, context, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { AttemptSpan, AttemptTracer, TracedAttempt } from '../activities/attempt-tracer.js';
import { contextOf, linksTo, traceparentOf } from './trace-context.js';

/**
 * A span for each attempt, below the request that asked for its webhook, or else below the activity that makes it. Its attributes follow
 * OpenTelemetry's conventions for HTTP clients (https://opentelemetry.io/docs/specs/semconv/http/http-spans/), without `url.full`:
 * a webhook's path and query may hold secrets.
 */
export class AttemptSpans implements AttemptTracer {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  startAttempt(attempt: TracedAttempt): AttemptSpan {
    const activity = context.active();
    const { traceparent } = attempt;
    const span = this.#tracer.startSpan(
      'POST',
      {
        kind: SpanKind.CLIENT,
        attributes: attributesOf(attempt),
        links: traceparent === undefined ? [] : linksTo(activity),
      },
      traceparent === undefined ? activity : contextOf(traceparent),
    );
    return {
      traceparent: traceparentOf(span.spanContext()),
      end: (sent, delivered) => {
        if (sent.response_code !== null) span.setAttribute('http.response.status_code', sent.response_code);
        if (!delivered) {
          span.setAttribute('error.type', String(sent.response_code ?? sent.error_kind ?? 'other'));
          span.setStatus({ code: SpanStatusCode.ERROR, ...(sent.error !== null && { message: sent.error }) });
        }
        span.end();
      },
    };
  }
}

function attributesOf({ batch_id, user_id, call_id, send_type, url, step }: TracedAttempt): Attributes {
  const { protocol, hostname, port } = new URL(url);
  const scheme = protocol.slice(0, -1);
  return {
    'http.request.method': 'POST',
    'url.scheme': scheme,
    'server.address': hostname.replace(/^\[|\]$/g, ''),
    'server.port': Number(port || (scheme === 'https' ? 443 : 80)),
    ...(step > 0 && { 'http.request.resend_count': step }),
    'postcall.batch_id': batch_id,
    'postcall.user_id': user_id,
    'postcall.call_id': call_id,
    'postcall.send_type': send_type,
    'postcall.attempt': step + 1,
  };
}
