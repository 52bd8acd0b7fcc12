import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api';

/** As a `traceparent` of version 00 says it (https://www.w3.org/TR/trace-context/#traceparent-header). */
export const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;

/** Where a span belongs whose parent a valid `traceparent` names. */
export function contextOf(traceparent: string): Context {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

/** The span of this context as a link of another one. */
export function linksTo(context: Context) {
  const linked = trace.getSpanContext(context);
  return linked && isSpanContextValid(linked) ? [{ context: linked }] : [];
}
