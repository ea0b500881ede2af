// `npm run bench -- [topic …] [--scale 0.1] [--json file]`: runs the benchmarks of this folder one after the other and
// prints one table. Each figure is a ratio against a baseline that was measured in the same run on the same machine.
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { scale: { type: 'string', default: '1' }, json: { type: 'string' } },
});
const scale = Number(values.scale);
if (!(scale > 0)) {
  console.error(`--scale takes a number above 0, not ${values.scale}`);
  process.exit(2);
}
const topics = readdirSync(new URL('.', import.meta.url))
  .filter((name) => name.endsWith('.mjs') && name !== 'bench.mjs')
  .map((name) => name.slice(0, -4))
  .sort();
const unknown = positionals.filter((name) => !topics.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are: ${topics.join(', ')}`);
  process.exit(2);
}

const figures = [];
const failures = [];
for (const topic of positionals.length > 0 ? positionals : topics) {
  const { default: benchmark } = await import(new URL(`./${topic}.mjs`, import.meta.url));
  console.error(`# ${topic}: ${benchmark.title}`);
  const started = Date.now();
  try {
    figures.push(...(await benchmark.run({ scale })).map((figure) => ({ topic, ...figure })));
    console.error(`# ${topic} took ${((Date.now() - started) / 1000).toFixed(1)} s`);
  } catch (error) {
    failures.push({ topic, error: String(error?.stack ?? error) });
    console.error(`# ${topic} failed: ${error?.stack ?? error}`);
  }
}

const number = (value) =>
  value === null || value === undefined
    ? '–'
    : Math.abs(value) >= 100
      ? value.toFixed(0)
      : value.toFixed(value !== 0 && Math.abs(value) < 1 ? 3 : 2);
const rows = figures.map((figure) => [
  figure.id,
  figure.what,
  `${number(figure.value)} ${figure.unit}`,
  figure.baseline === null ? '–' : `${number(figure.baseline)} ${figure.unit}`,
  number(figure.ratio),
  figure.goal,
  figure.isMet === null ? '' : figure.isMet ? 'met' : 'missed',
]);
const table = [
  ['id', 'figure', 'measured', 'baseline', 'ratio', 'goal', ''],
  ['---', '---', '---', '---', '---', '---', '---'],
  ...rows,
]
  .map((row) => `| ${row.join(' | ')} |`)
  .join('\n');
const machine = {
  node: process.version,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  date: new Date().toISOString(),
  commit: commit(),
  scale,
};
console.log(
  `${machine.date.slice(0, 10)}, Node ${machine.node}, ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, scale ${scale}\n\n${table}`,
);
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, figures, failures }, null, 2)}\n`);
process.exit(failures.length > 0 ? 1 : 0);

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
