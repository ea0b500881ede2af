import { appendFileSync } from 'node:fs';
import type { AdapterV1 } from '@runbeat/adapter-sdk';
import { z } from 'zod';

const config = z.object({
  lines: z.number().int().default(5),
  lineBytes: z.number().int().default(40),
  pauseMs: z.number().int().default(0),
  /** Each execution adds a line to this file. */
  marks: z.string().optional(),
  text: z.string().default('line'),
});

/** Writes numbered lines; attached. `executions` counts calls by run id. */
export function scriptedAdapter(executions: Map<string, number> = new Map()): AdapterV1 {
  return {
    specVersion: 'adapter-v1',
    type: 'scripted',
    configSchema: config,
    hasOutOfProcessLiveness: false,
    async execute(context) {
      const parsed = config.parse(context.config);
      executions.set(context.runId, (executions.get(context.runId) ?? 0) + 1);
      if (parsed.marks) appendFileSync(parsed.marks, `${context.runId}\n`);
      for (let n = 0; n < parsed.lines; n += 1) {
        if (context.signal.aborted) return { status: 'cancelled', forced: false };
        await context.onLog('stdout', lineOf(parsed, n));
        if (parsed.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, parsed.pauseMs));
      }
      return { status: 'succeeded', summary: `${parsed.lines} lines` };
    },
  };
}

export function lineOf(parsed: { text: string; lineBytes: number }, n: number): string {
  return `${`${parsed.text} ${n} `.padEnd(parsed.lineBytes, '·')}\n`;
}

export const expectedText = (parsed: { lines: number; text: string; lineBytes: number }): string =>
  Array.from({ length: parsed.lines }, (_, n) => lineOf(parsed, n)).join('');
