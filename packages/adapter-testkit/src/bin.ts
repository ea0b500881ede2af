#!/usr/bin/env node
import { runCommandLine } from './report/command-line.js';

// The adapter under test runs in this process: whatever it does to the process must not look like a success.
let verdict: number | null = null;
process.on('uncaughtException', (error) => {
  process.stderr.write(
    `\nThe adapter threw outside of any call, which ends the host that runs it:\n${error.stack ?? String(error)}\n`,
  );
  verdict = 1;
  process.exit(1);
});
process.on('exit', (code) => {
  if (verdict !== null) return;
  process.stderr.write(
    `\nThe process ended (exit code ${code}) before the suite did: the adapter called process.exit, or a promise of its never settles.\n`,
  );
  process.exitCode = 1;
});

const code = await runCommandLine(process.argv.slice(2), process.cwd(), {
  print: (text) => process.stdout.write(text),
  printError: (text) => process.stderr.write(text),
});
verdict = code;
// A timer or a child that the adapter left must not keep the report from ending. What was printed goes out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
