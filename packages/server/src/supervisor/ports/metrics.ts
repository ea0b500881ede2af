/** What the supervisor counts; `/metrics` shows it. Names are Prometheus names without the `runbeat_` prefix. */
export interface Metrics {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  observe(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
}

export const noMetrics: Metrics = { count: () => undefined, observe: () => undefined, gauge: () => undefined };
