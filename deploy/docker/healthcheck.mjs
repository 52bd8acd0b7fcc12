// A container runs a worker, which answers on POSTCALL_METRICS_PORT, or the API, which answers on PORT: whichever does is healthy.
const { POSTCALL_METRICS_PORT, PORT } = process.env;
const ports = [POSTCALL_METRICS_PORT, PORT || '8787'].filter(Boolean);
const answers = await Promise.allSettled(
  ports.map((port) => fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(4_000) })),
);
process.exitCode = answers.some(({ value }) => value?.ok) ? 0 : 1;
