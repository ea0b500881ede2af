import { join, resolve } from 'node:path';
import type { InstalledAdapterListing, InstalledAdapters } from '@runbeat/runner';
import type { Command } from 'commander';
import type { CommandContext } from '../command-line.js';
import type { GlobalOptions } from '../connect/connect.js';
import { formatTable } from '../output/format.js';
import { writeText } from '../output/terminal.js';
import { stopSignal } from '../stop-signal.js';
import { sourceFromArgument } from './adapter-source.js';

interface InstallCommandOptions extends GlobalOptions {
  readonly allowScripts?: boolean;
  readonly env?: string[];
}

/** Types that every runner of this command has. */
const builtInRunnerTypes = ['local', 'local-attached'];

/** The folder of the runner that `runbeat runner` starts with the same options. */
export async function runnerHome(options: Pick<GlobalOptions, 'home'>): Promise<string> {
  const { resolveHome } = await import('@runbeat/server');
  return resolve(options.home ?? join(resolveHome(process.env), 'runner'));
}

/** An option that may be given several times. */
export const several = (value: string, earlier: string[] = []): string[] => [...earlier, value];

/** `runbeat runner adapters …`: what is installed in a runner's home. Talks to no server, and to no runner's process. */
export function registerRunnerAdapters(runner: Command, context: CommandContext): void {
  const adapters = runner
    .command('adapters')
    .description('adapters in the home of a runner on this machine; one that is running follows at once');
  adapters
    .command('install')
    .description('install adapters, or other versions of them: packages (name@range), folders or tarballs')
    .argument('<spec...>')
    .option('--allow-scripts', 'let npm run install scripts of the packages')
    .option(
      '--env <name>',
      'a variable of the runner’s environment that the adapter may see; may be given several times',
      several,
    )
    .action((specs: string[], _own: unknown, command: Command) => install(specs, context.options(command), context));
  adapters
    .command('list')
    .description('installed adapters and what the runner makes of them')
    .action((_own: unknown, command: Command) => list(context.options(command), context));
  adapters
    .command('remove')
    .description('take an adapter away; jobs that have it keep it until they end')
    .argument('<type>')
    .action((type: string, _own: unknown, command: Command) => remove(type, context.options(command), context));
}

/** The installed adapters of the home that the options name. */
export async function adaptersOf(options: GlobalOptions, context: CommandContext): Promise<InstalledAdapters> {
  const { createInstalledAdapters } = await import('@runbeat/runner');
  return createInstalledAdapters({
    home: await runnerHome(options),
    reservedTypes: builtInRunnerTypes,
    onOutput: (packageName, _stream, text) => void context.terminal.stderr.write(`${packageName}: ${text}\n`),
  });
}

async function install(specs: readonly string[], options: InstallCommandOptions, context: CommandContext): Promise<void> {
  const adapters = await adaptersOf(options, context);
  const { allowScripts = false, env: environment } = options;
  const installOptions = { allowScripts, signal: stopSignal({ isSecondFatal: true }), ...(environment ? { environment } : {}) };
  const items: InstalledAdapterListing[] = [];
  try {
    // One after the other: what is installed stays when the next one fails, and npm is no faster twice.
    for (const spec of specs) items.push(await adapters.install(sourceFromArgument(spec), installOptions));
  } finally {
    await tellInstalled(items, options, context);
  }
}

/** Says which adapters were installed; nothing when there are none. */
export async function tellInstalled(
  items: readonly InstalledAdapterListing[],
  options: GlobalOptions,
  context: CommandContext,
): Promise<void> {
  if (items.length === 0) return;
  const text = items.map(({ type, packageName, version }) => `Installed ${type} (${packageName}@${version})\n`).join('');
  await writeText(context.terminal.stdout, options.json ? `${JSON.stringify({ items })}\n` : text);
}

async function list(options: GlobalOptions, context: CommandContext): Promise<void> {
  const items = await (await adaptersOf(options, context)).list();
  if (options.json) return writeText(context.terminal.stdout, `${JSON.stringify({ items })}\n`);
  const rows = items.map((item) => [
    item.type,
    item.state,
    item.version,
    item.source,
    // The rest of a long reason, such as a stack, is in `--json` and in the runner's log.
    item.lastError === null ? '' : `[${item.lastError.code}] ${item.lastError.message.split('\n', 1)[0]}`,
  ]);
  await writeText(
    context.terminal.stdout,
    rows.length === 0
      ? `No adapters are installed in ${await runnerHome(options)}. Install one: runbeat runner adapters install PACKAGE\n`
      : formatTable(['TYPE', 'STATE', 'VERSION', 'SOURCE', 'LAST ERROR'], rows),
  );
}

async function remove(type: string, options: GlobalOptions, context: CommandContext): Promise<void> {
  const state = await (await adaptersOf(options, context)).remove(type);
  const text =
    state === 'removed' ? `Removed ${type}\n` : `${type} takes no new work and is removed when its last job has ended\n`;
  await writeText(context.terminal.stdout, options.json ? `${JSON.stringify({ type, state })}\n` : text);
}
