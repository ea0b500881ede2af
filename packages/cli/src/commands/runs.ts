import type { Command } from 'commander';
import type { CommandContext } from '../command-line.js';
import { type GlobalOptions, requireServer } from '../connect/connect.js';
import { followLog } from '../output/follow-log.js';
import { colorStatus, formatAge, formatBytes, formatDuration, formatTable } from '../output/format.js';
import { writeText } from '../output/terminal.js';

/** `runbeat runs …`: look at runs and act on them. */
export function registerRuns(program: Command, context: CommandContext): void {
  const runs = program.command('runs').description('look at runs and act on them');
  runs
    .command('list')
    .description('runs, newest first')
    .option('--agent <id>', 'only of this agent')
    .option('--status <status>', 'only in this status')
    .option('--limit <n>', 'at most so many', '20')
    .action((_own: unknown, command: Command) => list(context.options<ListOptions>(command), context));
  runs
    .command('show')
    .description('everything about one run')
    .argument('<run>')
    .action((runId: string, _own: unknown, command: Command) => show(runId, context.options(command), context));
  runs
    .command('logs')
    .description('the output of a run: stdout to stdout, stderr to stderr')
    .argument('<run>')
    .option('-f, --follow', 'go on until the run has ended')
    .option('--tail <lines>', 'only the last so many lines')
    .action((runId: string, _own: unknown, command: Command) => logs(runId, context.options<LogsOptions>(command), context));
  runs
    .command('cancel')
    .description('end a run with everything that it started')
    .argument('<run>')
    .option('--reason <text>', 'kept with the run')
    .action((runId: string, _own: unknown, command: Command) =>
      cancel(runId, context.options<GlobalOptions & { reason?: string }>(command), context),
    );
  runs
    .command('retry')
    .description('queue an ended run again')
    .argument('<run>')
    .action((runId: string, _own: unknown, command: Command) => retry(runId, context.options(command), context));
  runs
    .command('why')
    .description('why a run waits, was retried, was lost … in words')
    .argument('<run>')
    .action((runId: string, _own: unknown, command: Command) => why(runId, context.options(command), context));
}

interface ListOptions extends GlobalOptions {
  readonly agent?: string;
  readonly status?: string;
  readonly limit: string;
}

interface LogsOptions extends GlobalOptions {
  readonly follow?: boolean;
  readonly tail?: string;
}

async function list(options: ListOptions, context: CommandContext): Promise<void> {
  const { client, companyId } = await requireServer(options);
  const page = await client.runs.list(await companyId(), {
    limit: Number(options.limit),
    ...(options.agent ? { agentId: options.agent } : {}),
    // The server names the statuses that exist when this is none of them.
    ...(options.status ? { status: options.status as 'running' } : {}),
  });
  if (options.json) return writeText(context.terminal.stdout, `${JSON.stringify(page)}\n`);
  const now = new Date();
  const rows = page.items.map((run) => [
    run.id,
    colorStatus(run.status, context.terminal.hasColor),
    run.phase ?? '',
    run.startedAt
      ? formatDuration((run.finishedAt ? Date.parse(run.finishedAt) : now.getTime()) - Date.parse(run.startedAt))
      : '-',
    formatBytes(run.logBytes),
    run.exitCode === null ? '' : String(run.exitCode),
    run.errorCode ?? run.warning?.code ?? '',
    formatAge(run.createdAt, now),
  ]);
  await writeText(
    context.terminal.stdout,
    rows.length === 0 ? 'No runs.\n' : formatTable(['RUN', 'STATUS', 'PHASE', 'TOOK', 'LOG', 'EXIT', 'CODE', 'AGE'], rows),
  );
}

async function show(runId: string, options: GlobalOptions, context: CommandContext): Promise<void> {
  const { client } = await requireServer(options);
  const run = await client.runs.get(runId);
  if (options.json) return writeText(context.terminal.stdout, `${JSON.stringify(run)}\n`);
  // The row does not hold when output began; the log's first record does.
  const firstOutputAt = run.logBytes === 0 ? null : await client.runs.log(runId, { offset: 0, limitBytes: 1 }).then(firstTime);
  const rows = Object.entries({ ...run, firstOutputAt })
    .filter(([, value]) => value !== null)
    .map(([key, value]) => [key, shown(key, value, context.terminal.hasColor)]);
  await writeText(context.terminal.stdout, formatTable(['FIELD', 'VALUE'], rows));
}

const firstTime = ({ records }: { readonly records: readonly { readonly at: string }[] }): string | null =>
  records[0]?.at ?? null;

function shown(key: string, value: unknown, hasColor: boolean): string {
  if (key === 'status') return colorStatus(String(value), hasColor);
  if (typeof value === 'number') {
    if (key === 'durationMs') return `${value} (${formatDuration(value)})`;
    if (key === 'logBytes') return `${value} (${formatBytes(value)})`;
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

async function logs(runId: string, options: LogsOptions, context: CommandContext): Promise<void> {
  const { client } = await requireServer(options);
  const isJson = options.json === true;
  let afterSeq = 0;
  if (options.tail !== undefined || !options.follow) {
    let query: { tailLines?: number; offset?: number } =
      options.tail === undefined ? { offset: 0 } : { tailLines: Number(options.tail) };
    for (;;) {
      const page = await client.runs.log(runId, { ...query, limitBytes: 1_048_576 });
      for (const record of page.records) {
        afterSeq = record.seq;
        if (isJson) await writeText(context.terminal.stdout, `${JSON.stringify(record)}\n`);
        else await writeText(record.stream === 'stdout' ? context.terminal.stdout : context.terminal.stderr, record.text);
      }
      if (page.records.length === 0 || page.nextOffset >= page.endOffset) break;
      query = { offset: page.nextOffset };
    }
  }
  if (options.follow) await followLog(client, runId, { isJson, terminal: context.terminal, afterSeq });
}

async function cancel(
  runId: string,
  options: GlobalOptions & { readonly reason?: string },
  context: CommandContext,
): Promise<void> {
  const { client } = await requireServer(options);
  const run = await client.runs.cancel(runId, options.reason ? { reason: options.reason } : {});
  await writeText(
    context.terminal.stdout,
    options.json ? `${JSON.stringify(run)}\n` : `${run.id} ${run.status === 'running' ? 'is being cancelled' : run.status}\n`,
  );
}

async function retry(runId: string, options: GlobalOptions, context: CommandContext): Promise<void> {
  const { client } = await requireServer(options);
  const answer = await client.runs.retry(runId);
  await writeText(
    context.terminal.stdout,
    options.json
      ? `${JSON.stringify(answer)}\n`
      : `${answer.outcome}${answer.run ? ` ${answer.run.id}` : ''}${answer.reason ? ` (${answer.reason})` : ''}\n`,
  );
}

async function why(runId: string, options: GlobalOptions, context: CommandContext): Promise<void> {
  const { client } = await requireServer(options);
  const answer = await client.runs.why(runId);
  if (options.json) return writeText(context.terminal.stdout, `${JSON.stringify(answer)}\n`);
  for (const explanation of answer.explanations) {
    await writeText(
      context.terminal.stdout,
      `${explanation.at ? `${explanation.at}  ` : ''}${explanation.sentence}  [${explanation.code}]\n`,
    );
  }
}
