// Prints numbered lines with a pause between them and notes each start: `node prints-lines.mjs <marks file> <lines> <pauseMs>`.
import { appendFileSync } from 'node:fs';

const [marks, lines, pauseMs] = process.argv.slice(2);
appendFileSync(marks, `${process.env.RUNBEAT_RUN_ID ?? '-'} ${process.pid}\n`);
for (let n = 0; n < Number(lines); n += 1) {
  process.stdout.write(`line ${n} äöü\n`);
  if (Number(pauseMs) > 0) await new Promise((resolve) => setTimeout(resolve, Number(pauseMs)));
}
