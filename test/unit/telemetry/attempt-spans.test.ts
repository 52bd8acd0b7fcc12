import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { describe, expect, test } from 'vitest';
import { AttemptSpans } from '../../../telemetry/attempt-spans.js';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const spans = new AttemptSpans(provider.getTracer('test'));
const PARENT = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
const ATTEMPT = { batch_id: 'b_1.0', user_id: 'u', call_id: 'c', send_type: 'create' as const, step: 0 };

/** The span of an attempt to this URL that ended so. */
function ended(url: string, end: { response_code: number | null; error?: string; error_kind?: 'dns' | 'tls' }) {
  const span = spans.startAttempt({ ...ATTEMPT, url, traceparent: PARENT });
  const { response_code, error = null, error_kind = null } = end;
  span.end({ response_code, error, error_kind, response_time_ms: 1, retry_after_ms: null }, response_code === 204);
  const made = exporter.getFinishedSpans().at(-1);
  if (!made) throw new Error('no span was made');
  return { ...made.attributes, span, status: made.status, parent: made.parentSpanId };
}

describe('the span of an attempt', () => {
  test.each([
    ['https://hooks.example.com/secret?key=1', 'https', 'hooks.example.com', 443],
    ['http://hooks.example.com/', 'http', 'hooks.example.com', 80],
    ['https://example.com:8443/', 'https', 'example.com', 8443],
    ['http://[::1]:81/', 'http', '::1', 81],
  ])('to %s names the server, and nothing behind it', (url, scheme, address, port) => {
    const span = ended(url, { response_code: 204 });
    expect(span).toMatchObject({ 'url.scheme': scheme, 'server.address': address, 'server.port': port });
    expect(JSON.stringify(exporter.getFinishedSpans().at(-1)?.attributes)).not.toContain('secret');
  });

  test('says why there was no answer, or which one failed it', () => {
    const url = 'https://example.com/';
    expect(ended(url, { response_code: null, error: 'no such name', error_kind: 'dns' })).toMatchObject({
      'error.type': 'dns',
      status: { code: 2, message: 'no such name' },
    });
    expect(ended(url, { response_code: 301 })).toMatchObject({ 'error.type': '301', status: { code: 2 } });
    expect(ended(url, { response_code: 204 })).toMatchObject({ 'http.response.status_code': 204, status: { code: 0 } });
  });

  test('is below the batch, and is what the request names', () => {
    const { span, parent } = ended('https://example.com/', { response_code: 204 });
    expect(parent).toBe('2'.repeat(16));
    expect(span.traceparent).toMatch(new RegExp(`^00-${'1'.repeat(32)}-(?!${'2'.repeat(16)})[0-9a-f]{16}-01$`));
  });
});
