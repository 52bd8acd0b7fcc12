import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { TracingOptions } from './tracing.js';

type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** Tells once that spans do not reach their collector, and once that they do again: OpenTelemetry drops them without a word. */
export class ToldExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #logger: TracingOptions['logger'];
  #isAway = false;

  constructor(exporter: SpanExporter, logger: TracingOptions['logger']) {
    this.#exporter = exporter;
    this.#logger = logger;
  }

  export(spans: ReadableSpan[], told: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      this.#tell(result);
      told(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  #tell({ error }: ExportResult): void {
    if (error && !this.#isAway) this.#logger.warn({ err: error }, 'spans cannot be exported: they are dropped');
    if (!error && this.#isAway) this.#logger.info('spans are exported again');
    this.#isAway = error !== undefined;
  }
}
