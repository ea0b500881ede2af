// counts.mjs LINES EVERY_MS: one numbered line at a time, then exit 0.
const [lines = 10, everyMs = 50] = process.argv.slice(2).map(Number);
for (let line = 1; line <= lines; line += 1) {
  console.log(`${line} of ${lines}`);
  await new Promise((resolve) => setTimeout(resolve, everyMs));
}
