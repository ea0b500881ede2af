#!/usr/bin/env node
import { runCommandLine } from './report/command-line.js';

process.exitCode = await runCommandLine(process.argv.slice(2), process.cwd(), {
  print: (text) => process.stdout.write(text),
  printError: (text) => process.stderr.write(text),
});
