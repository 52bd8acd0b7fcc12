import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { version } from '../config/version.js';
import { type BacklogSource, measureBacklog } from './backlog-metrics.js';
import { DeliveryMetrics } from './delivery-metrics.js';

/** Metrics of another registry, in Prometheus' text format. */
type Source = () => Promise<string>;

/** What one process tells Prometheus: its registry, and what others in it have to say. */
export class ProcessMetrics {
  readonly registry = new Registry();
  readonly #sources: Source[] = [];
  #deliveries: DeliveryMetrics | undefined;
  #backlog: BacklogSource | undefined;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    new Gauge({
      name: 'postcall_build_info',
      help: 'Always 1; its label is the version.',
      labelNames: ['version'],
      registers: [this.registry],
    }).set({ version }, 1);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** Of its workers: one that is started again goes on counting. */
  get deliveries(): DeliveryMetrics {
    this.#deliveries ??= new DeliveryMetrics(this.registry);
    return this.#deliveries;
  }

  /** Measures the backlog through this source from now on, in place of an earlier one: worker and API of one process see the same. */
  reportBacklog(source: BacklogSource): void {
    const isFirst = this.#backlog === undefined;
    this.#backlog = source;
    if (isFirst) measureBacklog(this.registry, () => this.#backlog ?? source);
  }

  /** What the source says comes after the registry's own; its names must be others. */
  append(source: Source): void {
    this.#sources.push(source);
  }

  /** Everything, as text. A source that does not answer is left out. */
  async text(): Promise<string> {
    const parts = await Promise.all([
      this.registry.metrics(),
      ...this.#sources.map((source) => source().catch(() => '')),
    ]);
    return parts.map((part) => (part === '' || part.endsWith('\n') ? part : `${part}\n`)).join('');
  }
}
