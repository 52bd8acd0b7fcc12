import { readdirSync, readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { ATTEMPT_OUTCOMES } from '../../../activities/delivery-events.js';
import { DeliveryMetrics } from '../../../telemetry/delivery-metrics.js';

const read = (path: string): string => readFileSync(path, 'utf8');
const namesIn = (text: string): Set<string> => new Set(text.match(/\bpostcall_[a-z_]+[a-z]/g));

const sources = [...readdirSync('telemetry').map((file) => `telemetry/${file}`), 'api/http/metrics.ts'];
const code = sources.map(read).join('\n');
const metrics = [...new Set([...code.matchAll(/'(postcall_[a-z_]+)'/g)].map(([, name = '']) => name))];

/** For a person who asks. */
const NOT_IN_DASHBOARD = ['postcall_build_info', 'postcall_http_requests_in_flight'];

test('there are metrics', () => {
  expect(metrics).toContain('postcall_attempts_total');
  expect(metrics.length).toBeGreaterThan(15);
});

test('every metric is in the documents', () => {
  expect(metrics.filter((name) => !namesIn(read('docs/observability.md')).has(name))).toEqual([]);
});

test('every label of a metric is in the documents', () => {
  const labelled = [...code.matchAll(/name: '(postcall_\w+)',[^}]*?labelNames: \[([^\]]*)\]/g)].map(
    ([, name, labels = '']) => `${name}{${labels.replaceAll("'", '')}}`,
  );
  expect(labelled).toContain('postcall_attempts_total{outcome, class}');
  expect(labelled.filter((metric) => !read('docs/observability.md').includes(metric))).toEqual([]);
});

test('every outcome of an attempt is in the documents', () => {
  expect(ATTEMPT_OUTCOMES.filter((outcome) => !read('docs/observability.md').includes(`\`${outcome}\``))).toEqual([]);
});

test('a counter begins with 0: one that begins with its first event never increases by it', async () => {
  const registry = new Registry();
  new DeliveryMetrics(registry);
  const counters = (await registry.getMetricsAsJSON()).filter(({ type }) => String(type) === 'counter');
  // What comes of attempts has many classes, and most of them never come.
  const silent = counters.filter(({ name, values }) => values.length === 0 && name !== 'postcall_attempts_total');
  expect(silent.map(({ name }) => name)).toEqual([]);
});

test('every metric is in the dashboard, and every name in the dashboard is a metric', () => {
  const shown = namesIn(read('deploy/grafana/postcall.json'));
  const base = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
  expect(metrics.filter((name) => !NOT_IN_DASHBOARD.includes(name) && ![...shown].map(base).includes(name))).toEqual(
    [],
  );
  expect([...shown].filter((name) => !metrics.includes(base(name)))).toEqual([]);
});
