// `npm run check`: everything that needs no test. Two steps at a time, since most are one busy thread each; the longest
// first. Each step is a script of package.json and can be run alone. Ends with how long each took.
import { runProgram, sideBySide } from './side-by-side.mjs';

const root = new URL('..', import.meta.url).pathname;
/** Steps of one entry follow each other: they need what the first one makes. */
const lanes = [
  ['check:lint'],
  ['build', 'check:packages', 'check:readmes'],
  ['typecheck'],
  ['check:imports'],
  ['check:unused'],
  ['check:format'],
];
const results = [];
const started = performance.now();

await sideBySide(lanes, 2, async (steps) => {
  for (const step of steps) {
    const { code, seconds, output } = await runProgram('npm', ['run', '--silent', step], { cwd: root });
    results.push({ step, code, seconds });
    console.log(`\n> ${step}: ${code === 0 ? 'ok' : `exit ${code}`} after ${seconds.toFixed(1)} s`);
    if (output.trim() !== '') console.log(output.trimEnd());
    // What follows would only say the same in other words.
    if (code !== 0) return;
  }
});

const failed = results.filter(({ code }) => code !== 0);
console.log(`\nseconds  step`);
for (const { step, seconds } of results.sort((a, b) => b.seconds - a.seconds))
  console.log(`${seconds.toFixed(1).padStart(7)}  ${step}`);
console.log(
  failed.length === 0
    ? `\ncheck: all steps passed in ${Math.round((performance.now() - started) / 1_000)} s`
    : `\ncheck: ${failed.map(({ step }) => step).join(', ')} failed`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
