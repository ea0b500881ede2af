import { adapterConformance } from '../conformance/adapter-conformance.js';
import type { ConformanceOptions } from '../conformance/conformance-options.js';

export interface ConformanceVerdict {
  readonly title: string;
  /** Null = the adapter keeps this promise. */
  readonly failure: string | null;
  readonly durationMs: number;
}

export interface ConformanceRunOptions extends Omit<ConformanceOptions, 'test'> {
  /** Called after each test, for progress. */
  readonly onVerdict?: (verdict: ConformanceVerdict) => void;
}

/** The conformance suite without a test runner: one test after the other, none of them left out, never rejects for a failure. */
export async function runConformance({ onVerdict, ...options }: ConformanceRunOptions): Promise<readonly ConformanceVerdict[]> {
  const tests: { title: string; run: () => Promise<void> }[] = [];
  adapterConformance({ ...options, test: (title, run) => tests.push({ title, run }) });
  const verdicts: ConformanceVerdict[] = [];
  for (const { title, run } of tests) {
    const startedAt = performance.now();
    const failure = await failureOf(run);
    const verdict = { title, failure, durationMs: Math.round(performance.now() - startedAt) };
    verdicts.push(verdict);
    onVerdict?.(verdict);
  }
  return verdicts;
}

/** Each wait inside a test has its own limit, so that the test settles by itself. */
async function failureOf(run: () => Promise<void>): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
