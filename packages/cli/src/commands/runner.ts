import { once } from 'node:events';
import { join } from 'node:path';
import type { RunnerHealth } from '@runbeat/protocol';
import type { Command } from 'commander';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-line.js';
import { type GlobalOptions, requireServer } from '../connect/connect.js';
import { exitCodes } from '../exit-codes.js';
import { formatAge, formatTable } from '../output/format.js';
import { writeText } from '../output/terminal.js';
import { createTerminalLogger } from '../output/terminal-logger.js';
import { stopSignal } from '../stop-signal.js';
import { sourceFromArgument } from './adapter-source.js';
import { adaptersOf, registerRunnerAdapters, runnerHome, several, tellInstalled } from './runner-adapters.js';

interface RunnerCommandOptions extends GlobalOptions {
  readonly name?: string;
  readonly slots?: string;
  readonly label?: string[];
  readonly adapter?: string[];
  readonly onDisconnect?: string;
  readonly healthPort?: string;
  readonly verbose?: boolean;
}

/** `runbeat runner` executes runs of a server on this machine; `runbeat runners …` looks at them from the server's side. */
export function registerRunner(program: Command, context: CommandContext): void {
  const runner = program
    .command('runner')
    .description('execute runs of a server on this machine, which may be behind NAT (--server, --token)')
    .option('--name <name>', 'for lists (default: the host’s name)')
    .option('--slots <n>', 'runs at once', '4')
    .option('--label <label>', 'agents may name a label as their place of execution; may be given several times', several)
    .option(
      '--adapter <spec>',
      'an adapter package that is installed first when it is missing; may be given several times',
      several,
    )
    .option('--on-disconnect <policy>', 'after lease and grace without contact: stop or keep the work', 'stop')
    .option('--health-port <port>', 'serve /health and /metrics on this loopback port')
    .option('--verbose', 'log more')
    .action((_own: unknown, command: Command) => run(context.options<RunnerCommandOptions>(command), context));
  registerRunnerAdapters(runner, context);
  const runners = program.command('runners').description('runners of the server and their health');
  runners
    .command('list')
    .description('runners with their health')
    .action((_own: unknown, command: Command) => list(context.options(command), context));
  runners
    .command('health')
    .description('everything known about one runner')
    .argument('<runner>')
    .action(async (id: string, _own: unknown, command: Command) => {
      const options = context.options<GlobalOptions>(command);
      const { client } = await requireServer(options);
      const health = await client.runners.health(id);
      await writeText(context.terminal.stdout, `${JSON.stringify(health, null, options.json ? 0 : 2)}\n`);
      if (health.health.status === 'unhealthy') context.setExitCode(exitCodes.failure);
    });
  for (const [verb, adminStatus] of [
    ['enable', 'enabled'],
    ['disable', 'disabled'],
  ] as const) {
    runners
      .command(verb)
      .description(verb === 'enable' ? 'offer it runs again' : 'offer it no further runs')
      .argument('<runner>')
      .action(async (id: string, _own: unknown, command: Command) => {
        const { client } = await requireServer(context.options(command));
        await client.runners.setAdminStatus(id, adminStatus);
        await writeText(context.terminal.stdout, `${id} ${adminStatus}\n`);
      });
  }
  runners
    .command('remove')
    .description('forget a runner; its token ends')
    .argument('<runner>')
    .action(async (id: string, _own: unknown, command: Command) => {
      const { client } = await requireServer(context.options(command));
      await client.runners.remove(id);
      await writeText(context.terminal.stdout, `${id} removed\n`);
    });
}

async function run(options: RunnerCommandOptions, context: CommandContext): Promise<void> {
  const serverUrl = options.server ?? process.env['RUNBEAT_API_URL'];
  if (!serverUrl)
    throw new CliError('usage_invalid', 'Name the server: runbeat runner --server https://… --token …', {
      exitCode: exitCodes.usage,
    });
  if (options.onDisconnect !== 'stop' && options.onDisconnect !== 'keep')
    throw new CliError('usage_invalid', '--on-disconnect takes stop or keep.', { exitCode: exitCodes.usage });
  const [{ createRunner }, { createLocalAdapter, createLocalAttachedAdapter }, home] = await Promise.all([
    import('@runbeat/runner'),
    import('@runbeat/adapter-local'),
    runnerHome(options),
  ]);
  const token = options.token ?? process.env['RUNBEAT_API_KEY'];
  const signal = stopSignal({ isSecondFatal: false });
  const installed = await adaptersOf(options, context);
  for (const spec of options.adapter ?? []) {
    const item = await installed.installMissing(sourceFromArgument(spec), { signal });
    if (item !== null) await tellInstalled([item], options, context);
  }
  const runner = createRunner({
    serverUrl,
    home,
    adapters: [createLocalAdapter({ runsDirectory: join(home, 'runs') }), createLocalAttachedAdapter()],
    slots: Number(options.slots ?? 4),
    labels: options.label ?? [],
    onDisconnect: options.onDisconnect,
    logger: createTerminalLogger(context.terminal, options.verbose === true),
    ...(token ? { token } : {}),
    ...(options.name ? { name: options.name } : {}),
    ...(options.healthPort ? { healthPort: Number(options.healthPort) } : {}),
  });
  await runner.start();
  await writeText(
    context.terminal.stdout,
    options.json
      ? `${JSON.stringify({ type: 'started', home, pid: process.pid, healthPort: runner.healthPort })}\n`
      : `The runner works for ${serverUrl} (home ${home}, pid ${process.pid})\n`,
  );
  if (!signal.aborted) await once(signal, 'abort');
  await runner.stop();
}

async function list(options: GlobalOptions, context: CommandContext): Promise<void> {
  const { client } = await requireServer(options);
  const page = await client.runners.list();
  if (options.json) return writeText(context.terminal.stdout, `${JSON.stringify(page)}\n`);
  const now = new Date();
  const rows = page.items.map((health: RunnerHealth) => [
    health.runner.id,
    health.health.status,
    health.client?.status ?? '-',
    String(health.client?.reconnectCount ?? '-'),
    formatAge(health.runner.lastSeenAt, now),
    health.health.issues.map((issue) => (typeof issue === 'string' ? issue : JSON.stringify(issue))).join(', '),
  ]);
  await writeText(
    context.terminal.stdout,
    rows.length === 0
      ? 'No runners. Start one: runbeat runner --server URL --token KEY\n'
      : formatTable(['RUNNER', 'HEALTH', 'CLIENT', 'RECONNECTS', 'LAST SEEN', 'ISSUES'], rows),
  );
}
