import type { RunbeatClient } from '@runbeat/client';
import type { RunSummary } from '@runbeat/protocol';
import type { Command } from 'commander';
import type { CommandContext } from '../command-line.js';
import { type Connection, type GlobalOptions, requireServer } from '../connect/connect.js';
import { colorStatus, formatAge, formatBytes, formatDuration, formatTable } from '../output/format.js';
import { writeText } from '../output/terminal.js';

/** Ages on the screen grow even when nothing happens. */
const redrawMs = 1_000;

/** `runbeat top`: running and queued runs, redrawn as they change. Without a terminal it prints one picture and ends. */
export function registerTop(program: Command, context: CommandContext): void {
  program
    .command('top')
    .description('running and queued runs, live (Ctrl-C ends it)')
    .option('--once', 'print one picture and end')
    .action(async (_own: unknown, command: Command) => {
      const options = context.options<GlobalOptions & { once?: boolean }>(command);
      const connection = await requireServer(options);
      if (options.json)
        return writeText(
          context.terminal.stdout,
          `${JSON.stringify(await connection.client.runs.live(await connection.companyId()))}\n`,
        );
      if (options.once || !context.terminal.isInteractive)
        return writeText(context.terminal.stdout, picture(await liveRuns(connection), context));
      await watch(connection, context);
    });
}

async function watch(connection: Connection, context: CommandContext): Promise<void> {
  const { createLogUpdate } = await import('log-update');
  const draw = createLogUpdate(process.stdout);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  let runs = await liveRuns(connection);
  draw(picture(runs, context));
  const timer = setInterval(() => draw(picture(runs, context)), redrawMs);
  try {
    for await (const event of connection.client.events({ companyId: await connection.companyId(), signal: stop.signal })) {
      if (event.type !== 'event' && event.type !== 'resync') continue;
      runs = await liveRuns(connection);
      draw(picture(runs, context));
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    clearInterval(timer);
    draw.done();
  }
}

async function liveRuns({
  client,
  companyId,
}: {
  readonly client: RunbeatClient;
  companyId(): Promise<string>;
}): Promise<readonly RunSummary[]> {
  return (await client.runs.live(await companyId())).items;
}

function picture(runs: readonly RunSummary[], context: CommandContext): string {
  const now = new Date();
  const running = runs.filter((run) => run.status === 'running').length;
  const head = `${running} running, ${runs.length - running} queued\n`;
  if (runs.length === 0) return head;
  const rows = runs.map((run) => [
    run.id,
    colorStatus(run.status, context.terminal.hasColor),
    run.phase ?? '',
    run.startedAt ? formatDuration(now.getTime() - Date.parse(run.startedAt)) : '-',
    formatAge(run.lastOutputAt, now),
    formatBytes(run.logBytes),
    run.adapterType,
    run.warning?.code ?? '',
  ]);
  return `${head}${formatTable(['RUN', 'STATUS', 'PHASE', 'FOR', 'LAST OUTPUT', 'LOG', 'ADAPTER', 'WARNING'], rows)}`;
}
