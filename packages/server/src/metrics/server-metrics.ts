import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Logger, Metrics } from '../supervisor/ports/index.js';

/** The `Metrics` port over prom-client, and what `/metrics` answers. */
export interface ServerMetrics extends Metrics {
  /** Called before each scrape; sets gauges that nobody tells of as they change. Its failures are logged. */
  onScrape(collect: () => Promise<void>): void;
  /** The text format of Prometheus. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** Stops the observers of the process's own figures. */
  close(): void;
}

const namePrefix = 'runbeat_';
const millisecondBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000];
const secondBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600];
const countBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

export function createServerMetrics(logger: Logger): ServerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  /** Every metric with the labels that its first use had; Prometheus wants the same ones on each. */
  const metrics = new Map<string, { labels: readonly string[]; metric: Counter | Gauge | Histogram }>();
  const collectors: (() => Promise<void>)[] = [];

  const use = <Kind extends Counter | Gauge | Histogram>(
    name: string,
    labels: Readonly<Record<string, string>>,
    create: (fullName: string, labelNames: string[]) => Kind,
  ): Kind | null => {
    const labelNames = Object.keys(labels).sort();
    const known = metrics.get(name);
    if (!known) {
      const metric = create(`${namePrefix}${name}`, labelNames);
      metrics.set(name, { labels: labelNames, metric });
      return metric;
    }
    if (known.labels.join() === labelNames.join()) return known.metric as Kind;
    logger.error(
      { metric: name, labels: labelNames, expected: known.labels },
      'A metric is used with other labels than before; not counted',
    );
    return null;
  };
  const help = (name: string) => name.replaceAll('_', ' ');

  return {
    count(name, labels = {}, by = 1) {
      use(
        name,
        labels,
        (fullName, labelNames) => new Counter({ name: fullName, help: help(name), labelNames, registers: [registry] }),
      )?.inc(labels, by);
    },
    gauge(name, value, labels = {}) {
      use(
        name,
        labels,
        (fullName, labelNames) => new Gauge({ name: fullName, help: help(name), labelNames, registers: [registry] }),
      )?.set(labels, value);
    },
    observe(name, value, labels = {}) {
      use(
        name,
        labels,
        (fullName, labelNames) =>
          new Histogram({ name: fullName, help: help(name), labelNames, buckets: bucketsOf(name), registers: [registry] }),
      )?.observe(labels, value);
    },
    onScrape(collect) {
      collectors.push(collect);
    },
    async render() {
      for (const collect of collectors) {
        await collect().catch((error: unknown) => logger.warn({ err: error }, 'Figures for /metrics could not be collected'));
      }
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
    close() {
      registry.clear();
    },
  };
}

/** By the unit at the end of the name. */
function bucketsOf(name: string): number[] {
  if (name.endsWith('_ms')) return millisecondBuckets;
  if (name.endsWith('_seconds')) return secondBuckets;
  return countBuckets;
}
