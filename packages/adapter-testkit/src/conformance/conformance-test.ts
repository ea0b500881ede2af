import assert from 'node:assert/strict';
import type { ContractViolation } from '../context/contract-violation.js';
import type { Bench, StartedRun } from './bench.js';

/** One promise of the contract. Titles are stable: authors and our own broken adapters name them. */
export interface ConformanceTest {
  readonly title: string;
  readonly run: (bench: Bench) => Promise<void>;
}

/** Each test judges only what its title names, so that one fault fails one test. */
export function assertNoViolation(run: StartedRun, ...checks: ContractViolation['check'][]): void {
  const broken = run.recording.violations.filter(({ check }) => checks.includes(check));
  assert.deepEqual(
    broken.map(({ message }) => message),
    [],
  );
}
