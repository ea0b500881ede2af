import assert from 'node:assert/strict';
import { parseAdapterConfig } from '@runbeat/adapter-sdk';
import type { ConformanceTest } from './conformance-test.js';

/** Whether an agent could run here: what `testEnvironment` promises, where an adapter has it. */
export const environmentGroup: readonly ConformanceTest[] = [
  {
    title: 'environment: each check of its report has a stable code, a level and a message, also for work that cannot start',
    async run(bench) {
      for (const script of ['exit0', 'failToStart'] as const) {
        const parsed = await parseAdapterConfig(bench.adapter, bench.options.scripts[script]);
        assert.ok(parsed.ok, `configSchema refuses scripts.${script}.`);
        const signal = AbortSignal.timeout(bench.limitMs);
        const report = await bench.within(
          'testEnvironment to answer',
          bench.adapter.testEnvironment?.({ config: parsed.value, environment: {}, signal }) ??
            Promise.reject(new TypeError('It is missing.')),
        );
        for (const check of report.checks) {
          assert.match(check.code, /^[a-z][a-z0-9_]*$/, `The code '${check.code}' is not lower_snake_case.`);
          assert.ok(['ok', 'info', 'warn', 'error'].includes(check.level), `The level '${check.level}' is unknown.`);
          assert.ok(check.message.length > 0, `The check '${check.code}' has no message.`);
        }
      }
    },
  },
];
