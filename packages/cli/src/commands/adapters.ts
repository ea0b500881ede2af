import type { Command } from 'commander';
import type { CommandContext } from '../command-line.js';
import { type Connection, type GlobalOptions, requireServer } from '../connect/connect.js';
import { exitCodes } from '../exit-codes.js';
import { formatTable } from '../output/format.js';
import { writeText } from '../output/terminal.js';
import { sourceFromArgument } from './adapter-source.js';

/** `runbeat adapters …`: the adapters of the running server. */
export function registerAdapters(program: Command, context: CommandContext): void {
  const adapters = program.command('adapters').description('install adapters and look at their state');
  adapters
    .command('list')
    .description('adapters with their true state')
    .action((_own: unknown, command: Command) => list(context.options(command), context));
  adapters
    .command('add')
    .description('install an adapter: a package (name@range), a folder or a tarball')
    .argument('<source>')
    .option('--override', 'replace the adapter that has the same type')
    .action((source: string, _own: unknown, command: Command) => {
      const options = context.options<GlobalOptions & { override?: boolean }>(command);
      return answerOf(options, context, ({ client }) =>
        client.adapters.add({ source: sourceFromArgument(source), ...(options.override ? { override: true } : {}) }),
      );
    });
  adapters
    .command('update')
    .description('switch to a newer version; runs of the old one go on with it')
    .argument('<type>')
    .option('--to <source>', 'this version or source instead of the newest that fits')
    .action((type: string, _own: unknown, command: Command) => {
      const options = context.options<GlobalOptions & { to?: string }>(command);
      return answerOf(options, context, ({ client }) =>
        client.adapters.update(type, options.to ? { source: sourceFromArgument(options.to) } : {}),
      );
    });
  adapters
    .command('remove')
    .description('take an adapter away; refused while runs use it')
    .argument('<type>')
    .option('--force', 'let its runs finish first, then remove it')
    .action((type: string, _own: unknown, command: Command) => {
      const options = context.options<GlobalOptions & { force?: boolean }>(command);
      return answerOf(
        options,
        context,
        async ({ client }) => (await client.adapters.remove(type, { force: options.force === true })) ?? { removed: type },
      );
    });
  adapters
    .command('check')
    .description('load a package as `add` would and say what is wrong with it, without installing it for good')
    .argument('<source>')
    .action((source: string, _own: unknown, command: Command) =>
      answerOf(context.options(command), context, async ({ client }) => {
        const report = await client.adapters.check({ source: sourceFromArgument(source) });
        if (!report.ok) context.setExitCode(exitCodes.failure);
        return report;
      }),
    );
}

async function list(options: GlobalOptions, context: CommandContext): Promise<void> {
  const { client } = await requireServer(options);
  const page = await client.adapters.list();
  if (options.json) return writeText(context.terminal.stdout, `${JSON.stringify(page)}\n`);
  const rows = page.items.map((adapter) => [
    adapter.type,
    adapter.state,
    adapter.version ?? '-',
    adapter.source,
    String(adapter.runningRuns),
    adapter.lastError?.message ?? '',
  ]);
  await writeText(context.terminal.stdout, formatTable(['TYPE', 'STATE', 'VERSION', 'SOURCE', 'RUNS', 'LAST ERROR'], rows));
}

async function answerOf(
  options: GlobalOptions,
  context: CommandContext,
  work: (connection: Connection) => Promise<unknown>,
): Promise<void> {
  const answer = await work(await requireServer(options));
  await writeText(context.terminal.stdout, `${JSON.stringify(answer, null, options.json ? 0 : 2)}\n`);
}
