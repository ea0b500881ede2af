import type { ConformanceVerdict } from './run-conformance.js';

/** One line for a verdict; a failure's reason stands indented below it. */
export function verdictText({ title, failure, durationMs }: ConformanceVerdict): string {
  if (failure === null) return `  ✓ ${title} (${durationMs} ms)\n`;
  const reason = failure.trim().split('\n').slice(0, 12).join('\n      ');
  return `  ✗ ${title} (${durationMs} ms)\n      ${reason}\n`;
}

export function summaryText(verdicts: readonly ConformanceVerdict[]): string {
  const failed = verdicts.filter(({ failure }) => failure !== null);
  if (failed.length === 0) return `\n${verdicts.length} of ${verdicts.length} tests pass: the adapter keeps the contract.\n`;
  const titles = failed.map(({ title }) => `  - ${title}\n`).join('');
  return `\n${failed.length} of ${verdicts.length} tests fail:\n${titles}docs/adapter-authors/rules.md of the Runbeat repository explains each rule with an example.\n`;
}
