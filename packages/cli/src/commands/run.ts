import type { RunbeatClient } from '@runbeat/client';
import type { HeartbeatRun } from '@runbeat/protocol';
import type { Command } from 'commander';
import pc from 'picocolors';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-line.js';
import { type Connection, findServer, type GlobalOptions, requireServer, startEmbedded } from '../connect/connect.js';
import { exitCodeFromRun, exitCodes } from '../exit-codes.js';
import { followLog } from '../output/follow-log.js';
import { readStandardInput } from '../read-standard-input.js';
import { findAgent } from './agents.js';

interface RunOptions extends GlobalOptions {
  readonly detach?: boolean;
  readonly adapter: string;
  readonly agent?: string;
  readonly timeout?: string;
  readonly cwd?: string;
  readonly env?: string[];
  readonly prompt?: string;
  readonly stdin?: boolean;
  readonly runner?: string;
  readonly runnerLabel?: string;
}

/** `runbeat run -- COMMAND`: one run, its output here, its exit code ours. */
export function registerRun(program: Command, context: CommandContext): void {
  program
    .command('run')
    .description('run a command (or an agent) and show its output; the exit code is the command’s own')
    .argument('[command...]', 'the command and its arguments, after --')
    .passThroughOptions()
    .option('--detach', 'print the run id and return; needs a running server')
    .option('--adapter <type>', 'adapter for the command', 'local')
    .option('--agent <name or id>', 'wake this agent instead of running a command')
    .option('--timeout <seconds>', 'end the run after this long')
    .option('--cwd <folder>', 'working folder of the command (default: this one)')
    .option('--env <name[=value]>', 'variable for the command; without a value: the value it has here', collect)
    .option('--prompt <text>', 'prompt for the agent; the local adapter writes it to the command’s stdin')
    .option('--stdin', 'take the prompt from standard input')
    .option('--runner <id>', 'run it on this runner')
    .option('--runner-label <label>', 'run it on a runner with this label')
    .addHelpText(
      'after',
      '\nCtrl-C cancels the run with its whole process tree and waits; a second Ctrl-C leaves it running and returns.',
    )
    .action(async (words: string[], _own: unknown, command: Command) => {
      context.setExitCode(await run(words, context.options<RunOptions>(command), context));
    });
}

async function run(words: readonly string[], options: RunOptions, context: CommandContext): Promise<number> {
  checkUsage(words, options);
  const timeoutMs = timeoutFromOption(options.timeout);
  const prompt = options.stdin ? await readStandardInput() : (options.prompt ?? null);
  const connection = options.detach
    ? await requireServer(options)
    : ((await findServer(options)) ?? (await startWithSpinner(options, context)));
  try {
    const agent = options.agent ? await findAgent(connection, options.agent) : await commandAgent(connection, options.adapter);
    const answer = await connection.client.agents.wakeup(agent.id, {
      source: 'on_demand',
      reason: options.agent ? 'runbeat run' : `runbeat run -- ${words.join(' ')}`.slice(0, 500),
      ...(prompt === null ? {} : { prompt }),
      ...(timeoutMs === null ? {} : { timeoutMs }),
      ...(options.runner
        ? { placement: { runnerId: options.runner } }
        : options.runnerLabel
          ? { placement: { runnerLabel: options.runnerLabel } }
          : {}),
      ...(options.agent ? {} : { adapterConfigOverride: configFromCommand(words, options) }),
    });
    if (!answer.run)
      throw new CliError(
        'usage_invalid',
        `Nothing was started: the wake was ${answer.outcome} (${answer.reason ?? 'no reason given'}).`,
      );
    if (options.detach) {
      context.terminal.stdout.write(options.json ? `${JSON.stringify(answer.run)}\n` : `${answer.run.id}\n`);
      return exitCodes.ok;
    }
    return await attend(connection, answer.run, options, context);
  } finally {
    await connection.close();
  }
}

/** Shows the run until it has ended. The first Ctrl-C cancels, the second leaves. */
async function attend(
  connection: Connection,
  started: HeartbeatRun,
  options: RunOptions,
  context: CommandContext,
): Promise<number> {
  const leave = new AbortController();
  let interrupts = 0;
  let cancelled: Promise<unknown> = Promise.resolve();
  const interrupt = (): void => {
    interrupts += 1;
    if (interrupts === 1) {
      context.terminal.stderr.write(`${notice('Cancelling; press Ctrl-C again to leave it running.', context)}\n`);
      cancelled = connection.client.runs.cancel(started.id, { reason: 'Ctrl-C' }).catch((error: unknown) => {
        // The run may have ended in this moment; its end is shown anyway.
        context.terminal.stderr.write(
          `${notice(`The cancel was not taken: ${error instanceof Error ? error.message : String(error)}`, context)}\n`,
        );
      });
    } else leave.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    await followLog(connection.client, started.id, {
      isJson: options.json === true,
      terminal: context.terminal,
      signal: leave.signal,
    });
    await cancelled;
    const ended = await waitForEnd(connection.client, started.id, leave.signal);
    return tellEnd(ended, options, context);
  } catch (error) {
    if (!leave.signal.aborted) throw error;
    context.terminal.stderr.write(`${notice(`Left running: runbeat runs logs -f ${started.id}`, context)}\n`);
    return exitCodes.cancelled;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** The log is complete only after the end, so this waits for no more than the settlement. */
async function waitForEnd(client: RunbeatClient, runId: string, signal: AbortSignal): Promise<HeartbeatRun> {
  for (;;) {
    signal.throwIfAborted();
    const run = await client.runs.get(runId);
    if (run.status !== 'queued' && run.status !== 'running') return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function tellEnd(run: HeartbeatRun, options: RunOptions, context: CommandContext): number {
  const code = exitCodeFromRun(run);
  if (options.json) context.terminal.stdout.write(`${JSON.stringify({ type: 'run', run })}\n`);
  else if (run.status !== 'succeeded' && run.errorCode !== 'exit_nonzero') {
    context.terminal.stderr.write(
      `${notice(`run ${run.status}${run.errorCode ? ` [${run.errorCode}]` : ''}${run.error ? `: ${run.error}` : ''}`, context)}\n`,
    );
  }
  return code;
}

function checkUsage(words: readonly string[], options: RunOptions): void {
  const usage = (message: string): CliError => new CliError('usage_invalid', message, { exitCode: exitCodes.usage });
  if (options.agent && words.length > 0) throw usage('Give either --agent or a command, not both.');
  if (!options.agent && words.length === 0)
    throw usage('Give a command after --, for example: runbeat run -- node -e "console.log(1)"');
  if (options.stdin && options.prompt !== undefined) throw usage('Give either --prompt or --stdin, not both.');
  if (options.runner && options.runnerLabel) throw usage('Give either --runner or --runner-label, not both.');
}

function timeoutFromOption(text: string | undefined): number | null {
  if (text === undefined) return null;
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds <= 0)
    throw new CliError('usage_invalid', `--timeout takes a number of seconds above 0, not "${text}".`, {
      exitCode: exitCodes.usage,
    });
  return Math.ceil(seconds * 1_000);
}

function configFromCommand(words: readonly string[], options: RunOptions): Record<string, unknown> {
  const [command = '', ...args] = words;
  const env = Object.fromEntries((options.env ?? []).map(variableFromOption));
  return { command, args, cwd: options.cwd ?? process.cwd(), ...(Object.keys(env).length > 0 ? { env } : {}) };
}

function variableFromOption(text: string): [string, string] {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at);
  const value = at < 0 ? process.env[name] : text.slice(at + 1);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw new CliError('usage_invalid', `--env takes NAME=VALUE or NAME, not "${text}".`, { exitCode: exitCodes.usage });
  if (value === undefined)
    throw new CliError('usage_invalid', `--env ${name}: there is no variable ${name} here.`, { exitCode: exitCodes.usage });
  return [name, value];
}

/** One agent stands for all commands run by hand with an adapter; each run brings its own config. */
async function commandAgent(connection: Connection, adapterType: string): Promise<{ readonly id: string }> {
  const name = adapterType === 'local' ? 'command-line' : `command-line-${adapterType}`;
  const found = await findAgentByName(connection, name);
  if (found) return found;
  return connection.client.agents.create(await connection.companyId(), {
    name,
    role: 'command',
    adapterType,
    adapterConfig: adapterType.startsWith('local') ? { command: 'true' } : {},
    runtimeConfig: { heartbeat: { maxConcurrentRuns: 100 } },
  });
}

async function findAgentByName(connection: Connection, name: string): Promise<{ readonly id: string } | null> {
  let cursor: string | undefined;
  do {
    const page = await connection.client.agents.list(await connection.companyId(), { limit: 200, ...(cursor ? { cursor } : {}) });
    const found = page.items.find((agent) => agent.name === name);
    if (found) return found;
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return null;
}

async function startWithSpinner(options: RunOptions, context: CommandContext): Promise<Connection> {
  if (!context.terminal.isInteractive) return startEmbedded(options);
  const { default: createSpinner } = await import('yocto-spinner');
  const spinner = createSpinner({ text: 'Starting a server for this command', stream: process.stderr }).start();
  try {
    return await startEmbedded(options);
  } finally {
    spinner.stop();
  }
}

function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

function notice(text: string, context: CommandContext): string {
  return context.terminal.hasColor ? pc.dim(`runbeat: ${text}`) : `runbeat: ${text}`;
}
