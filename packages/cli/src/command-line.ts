import { Command, CommanderError } from 'commander';
import { isCliError } from './cli-error.js';
import { registerAdapters } from './commands/adapters.js';
import { registerAgents } from './commands/agents.js';
import { registerChat } from './commands/chat.js';
import { registerCompletion } from './commands/completion.js';
import { registerConfig } from './commands/config.js';
import { registerDoctor } from './commands/doctor.js';
import { registerKeys } from './commands/keys.js';
import { registerRun } from './commands/run.js';
import { registerRunner } from './commands/runner.js';
import { registerRuns } from './commands/runs.js';
import { registerServe } from './commands/serve.js';
import { registerTop } from './commands/top.js';
import type { GlobalOptions } from './connect/connect.js';
import { exitCodes } from './exit-codes.js';
import type { Terminal } from './output/terminal.js';
import { packageVersion } from './package-version.js';
import { isAdapterError, isRunbeatApiError, isRunnerError, isServerError } from './recognise-error.js';

/** What a command gets: where to write, and the exit code that it decides on. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Options of the program and of the command, merged. */
  options<Own extends object>(command: Command): Own & GlobalOptions;
  setExitCode(code: number): void;
}

/** Parses and runs one command line; resolves with the exit code. Never rejects: every error is told on stderr. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const context: CommandContext = {
    terminal,
    options: (command) => command.optsWithGlobals(),
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  const program = createProgram(context);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    return tellError(error, terminal, args.includes('--json'));
  }
}

function createProgram(context: CommandContext): Command {
  const program = withGlobalOptions(new Command('runbeat'))
    .description('Runs agents and jobs behind one adapter contract and never loses one.')
    .version(packageVersion())
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 no server; `run` passes the exit code of the command on, and gives 124 after a time-out, 125 when the run could not be carried out, 130 when it was cancelled.',
    );
  program.configureOutput({
    writeOut: (text) => context.terminal.stdout.write(text),
    writeErr: (text) => context.terminal.stderr.write(text),
  });
  program.exitOverride();
  for (const register of [
    registerServe,
    registerRun,
    registerRuns,
    registerAgents,
    registerAdapters,
    registerRunner,
    registerChat,
    registerTop,
    registerKeys,
    registerDoctor,
    registerConfig,
    registerCompletion,
  ]) {
    register(program, context);
  }
  for (const command of allCommands(program)) {
    // They may be written before the command or behind it.
    if (command.commands.length === 0 || command.name() === 'runner') withGlobalOptions(command);
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => context.terminal.stdout.write(text),
      writeErr: (text) => context.terminal.stderr.write(text),
    });
  }
  return program;
}

/** Options that every command takes. */
function withGlobalOptions(command: Command): Command {
  return command
    .option('--home <folder>', 'home folder (RUNBEAT_HOME)')
    .option('--config <file>', 'settings file (default: runbeat.config.json here, then in the home folder)')
    .option('--server <url>', 'talk to this server (RUNBEAT_API_URL) instead of the one of the home folder')
    .option('--token <key>', 'API key (RUNBEAT_API_KEY)')
    .option('--company <name or id>', 'company to work in (default: local)')
    .option('--json', 'machine-readable output');
}

/** The program's commands and theirs. */
export function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)]);
}

function tellError(error: unknown, terminal: Terminal, isJson: boolean): number {
  if (error instanceof CommanderError) {
    // Commander has written its own message; help and version are no errors.
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  const told = describeError(error);
  if (isJson) terminal.stderr.write(`${JSON.stringify({ error: told })}\n`);
  else {
    terminal.stderr.write(`runbeat: ${told.message} [${told.code}]\n`);
    for (const field of told.fields) terminal.stderr.write(`  ${field.field}: ${field.message}\n`);
    if (told.remedy) terminal.stderr.write(`  ${told.remedy}\n`);
  }
  return told.exitCode;
}

interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
  readonly fields: readonly { readonly field: string; readonly message: string }[];
  readonly exitCode: number;
}

function describeError(error: unknown): ToldError {
  if (isCliError(error)) return { code: error.code, message: error.message, remedy: null, fields: [], exitCode: error.exitCode };
  if (isRunbeatApiError(error)) {
    const isUsage = error.status >= 400 && error.status < 500 && error.status !== 401 && error.status !== 403;
    const exitCode = error.status === 0 ? exitCodes.unreachable : isUsage ? exitCodes.usage : exitCodes.failure;
    return { code: error.code, message: error.message, remedy: error.remedy, fields: error.errors, exitCode };
  }
  if (isServerError(error))
    return { code: error.code, message: error.message, remedy: null, fields: error.fields, exitCode: exitCodes.failure };
  if (isRunnerError(error) || isAdapterError(error))
    return { code: error.code, message: error.message, remedy: null, fields: [], exitCode: exitCodes.failure };
  // A bug: the stack is what helps, so it is shown.
  return {
    code: 'internal_error',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    remedy: 'This is a bug of Runbeat; please report it with the text above.',
    fields: [],
    exitCode: exitCodes.failure,
  };
}
