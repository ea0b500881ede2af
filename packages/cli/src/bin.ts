#!/usr/bin/env node
import { runCommandLine } from './command-line.js';
import { processTerminal } from './output/terminal.js';

// Who reads our output may go at any time; the command then ends as if it were done.
const terminal = processTerminal(() => process.exit(0));
process.exitCode = await runCommandLine(process.argv.slice(2), terminal);
