import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(path, 'utf8');
const namesIn = (text: string): Set<string> => new Set(text.match(/\bpostcall_[a-z_]+[a-z]/g));

const sources = [...readdirSync('telemetry').map((file) => `telemetry/${file}`), 'api/http/metrics.ts'];
const metrics = [
  ...new Set(sources.flatMap((path) => [...read(path).matchAll(/'(postcall_[a-z_]+)'/g)].map(([, name = '']) => name))),
];

/** For a person who asks. */
const NOT_IN_DASHBOARD = ['postcall_build_info', 'postcall_http_requests_in_flight'];

test('there are metrics', () => {
  expect(metrics).toContain('postcall_attempts_total');
  expect(metrics.length).toBeGreaterThan(15);
});

test('every metric is in the documents', () => {
  expect(metrics.filter((name) => !namesIn(read('docs/observability.md')).has(name))).toEqual([]);
});

test('every metric is in the dashboard, and every name in the dashboard is a metric', () => {
  const shown = namesIn(read('deploy/grafana/postcall.json'));
  const base = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
  expect(metrics.filter((name) => !NOT_IN_DASHBOARD.includes(name) && ![...shown].map(base).includes(name))).toEqual(
    [],
  );
  expect([...shown].filter((name) => !metrics.includes(base(name)))).toEqual([]);
});
