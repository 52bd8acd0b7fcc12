import { freePort } from '../contract/free-port.js';
import type { ProcessMetrics } from '../telemetry/index.js';

/** An exporter answers in milliseconds; a scrape waits at most ten seconds. */
const TIMEOUT_MS = 3_000;

/**
 * A port of its own for the SDK's exporter, which does not tell which port it got for 0. Its text is appended to the process's metrics. On
 * loopback, so that only this machine asks it.
 */
export async function sdkMetricsAddress(metrics: ProcessMetrics): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  metrics.append(async () => {
    const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.text();
  });
  return address;
}
