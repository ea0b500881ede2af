// The demo's agent: a program like any other. It knows nothing of Runbeat and writes one numbered line at a time.
const lines = Number(process.argv[2] ?? 60);
const everyMs = Number(process.argv[3] ?? 100);
const words = ['reading the task', 'looking at the code', 'writing a test', 'making it pass', 'cleaning up'];

for (let line = 1; line <= lines; line += 1) {
  console.log(`line ${line} of ${lines}: ${words[Math.floor(((line - 1) / lines) * words.length)]}`);
  await new Promise((resolve) => setTimeout(resolve, everyMs));
}
console.error('done; ending with exit code 7, so that you can see it arrive');
process.exitCode = 7;
