import { readFile } from 'node:fs/promises';
import type { Agent } from '@runbeat/protocol';
import type { Command } from 'commander';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-line.js';
import { type Connection, type GlobalOptions, requireServer } from '../connect/connect.js';
import { exitCodes } from '../exit-codes.js';
import { formatAge, formatTable } from '../output/format.js';
import { writeText } from '../output/terminal.js';

interface WriteOptions extends GlobalOptions {
  readonly name?: string;
  readonly role?: string;
  readonly adapter?: string;
  readonly adapterConfig?: string;
  readonly runtimeConfig?: string;
}

/** `runbeat agents …`: configure agents and wake them. */
export function registerAgents(program: Command, context: CommandContext): void {
  const agents = program.command('agents').description('configure agents and wake them');
  agents
    .command('list')
    .description('agents by name')
    .action((_own: unknown, command: Command) => list(context.options(command), context));
  agents
    .command('show')
    .description('one agent with its runtime state')
    .argument('<agent>', 'name or id')
    .action((name: string, _own: unknown, command: Command) =>
      withAgent(name, context.options(command), context, async ({ client }, agent) => ({
        ...agent,
        runtimeState: await client.agents.runtimeState(agent.id),
      })),
    );
  writeOptions(agents.command('create').description('a new agent').argument('<name>')).action(
    (name: string, _own: unknown, command: Command) => create(name, context.options<WriteOptions>(command), context),
  );
  writeOptions(
    agents.command('update').description('change an agent').argument('<agent>', 'name or id').option('--name <name>'),
  ).action((name: string, _own: unknown, command: Command) => update(name, context.options<WriteOptions>(command), context));
  agents
    .command('delete')
    .description('remove an agent that has no active run')
    .argument('<agent>', 'name or id')
    .action((name: string, _own: unknown, command: Command) =>
      withAgent(name, context.options(command), context, async ({ client }, agent) => {
        await client.agents.delete(agent.id);
        return { deleted: agent.id };
      }),
    );
  agents
    .command('wake')
    .description('queue a run of an agent')
    .argument('<agent>', 'name or id')
    .option('--prompt <text>')
    .option('--reason <text>')
    .option('--issue <id>')
    .action((name: string, _own: unknown, command: Command) => {
      const options = context.options<GlobalOptions & { prompt?: string; reason?: string; issue?: string }>(command);
      return withAgent(name, options, context, ({ client }, agent) =>
        client.agents.wakeup(agent.id, {
          source: 'on_demand',
          ...(options.prompt === undefined ? {} : { prompt: options.prompt }),
          ...(options.reason === undefined ? {} : { reason: options.reason }),
          ...(options.issue === undefined ? {} : { issueId: options.issue }),
        }),
      );
    });
  agents
    .command('pause')
    .description('take no wakes until it is resumed')
    .argument('<agent>', 'name or id')
    .option('--reason <text>')
    .action((name: string, _own: unknown, command: Command) => {
      const options = context.options<GlobalOptions & { reason?: string }>(command);
      return withAgent(name, options, context, ({ client }, agent) =>
        client.agents.pause(agent.id, options.reason ? { reason: options.reason } : {}),
      );
    });
  agents
    .command('resume')
    .description('take wakes again')
    .argument('<agent>', 'name or id')
    .action((name: string, _own: unknown, command: Command) =>
      withAgent(name, context.options(command), context, ({ client }, agent) => client.agents.resume(agent.id)),
    );
  agents
    .command('test')
    .description('check whether the agent could run here, and how to mend what is missing')
    .argument('<agent>', 'name or id')
    .action((name: string, _own: unknown, command: Command) =>
      withAgent(name, context.options(command), context, async ({ client }, agent) => {
        const report = await client.adapters.test(agent.adapterType, {
          adapterConfig: agent.adapterConfig as Record<string, unknown>,
        });
        if (report.checks.some((check) => check.level === 'error')) context.setExitCode(exitCodes.failure);
        return report;
      }),
    );
}

/** The agent of this name or id; rejects with `agent_not_found`, or `agent_ambiguous` when several have the name. */
export async function findAgent(connection: Connection, wanted: string): Promise<Agent> {
  const matches: Agent[] = [];
  let cursor: string | undefined;
  do {
    const page = await connection.client.agents.list(await connection.companyId(), { limit: 200, ...(cursor ? { cursor } : {}) });
    matches.push(...page.items.filter((agent) => agent.id === wanted || agent.name === wanted));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  const [first, second] = matches;
  if (first && !second) return first;
  if (first)
    throw new CliError(
      'agent_ambiguous',
      `${matches.length} agents are named "${wanted}": ${matches.map((agent) => agent.id).join(', ')}. Give the id.`,
      { exitCode: exitCodes.usage },
    );
  throw new CliError('agent_not_found', `There is no agent "${wanted}". \`runbeat agents list\` shows those that exist.`, {
    exitCode: exitCodes.usage,
  });
}

function writeOptions(command: Command): Command {
  return command
    .option('--role <role>')
    .option('--adapter <type>', 'adapter type, such as local')
    .option('--adapter-config <json or @file>', 'the adapter’s config')
    .option('--runtime-config <json or @file>', 'limits, heartbeat, placement');
}

async function list(options: GlobalOptions, context: CommandContext): Promise<void> {
  const { client, companyId } = await requireServer(options);
  const page = await client.agents.list(await companyId(), { limit: 200 });
  if (options.json) return writeText(context.terminal.stdout, `${JSON.stringify(page)}\n`);
  const now = new Date();
  const rows = page.items.map((agent) => [
    agent.id,
    agent.name,
    agent.role,
    agent.status === 'active' ? agent.activity : agent.status,
    agent.adapterType,
    agent.adapterState === 'ready' ? '' : agent.adapterState,
    formatAge(agent.createdAt, now),
  ]);
  await writeText(
    context.terminal.stdout,
    rows.length === 0
      ? 'No agents. Create one: runbeat agents create NAME --adapter local --adapter-config \'{"command":"…"}\'\n'
      : formatTable(['AGENT', 'NAME', 'ROLE', 'STATUS', 'ADAPTER', '', 'AGE'], rows),
  );
}

async function create(name: string, options: WriteOptions, context: CommandContext): Promise<void> {
  if (!options.adapter) throw new CliError('usage_invalid', 'Name the adapter: --adapter local', { exitCode: exitCodes.usage });
  const { client, companyId } = await requireServer(options);
  const agent = await client.agents.create(await companyId(), {
    name,
    adapterType: options.adapter,
    ...(await bodyFromOptions(options)),
  });
  await writeText(context.terminal.stdout, options.json ? `${JSON.stringify(agent)}\n` : `${agent.id}\n`);
}

function update(name: string, options: WriteOptions, context: CommandContext): Promise<void> {
  return withAgent(name, options, context, async ({ client }, agent) =>
    client.agents.update(agent.id, {
      ...(options.name ? { name: options.name } : {}),
      ...(options.adapter ? { adapterType: options.adapter } : {}),
      ...(await bodyFromOptions(options)),
    }),
  );
}

async function bodyFromOptions(
  options: WriteOptions,
): Promise<{ role?: string; adapterConfig?: Record<string, unknown>; runtimeConfig?: Record<string, unknown> }> {
  return {
    ...(options.role ? { role: options.role } : {}),
    ...(options.adapterConfig ? { adapterConfig: await jsonFromOption('--adapter-config', options.adapterConfig) } : {}),
    ...(options.runtimeConfig ? { runtimeConfig: await jsonFromOption('--runtime-config', options.runtimeConfig) } : {}),
  };
}

async function jsonFromOption(option: string, text: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text.startsWith('@') ? await readFile(text.slice(1), 'utf8') : text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new CliError('usage_invalid', `${option} takes a JSON object.`, { exitCode: exitCodes.usage });
  } catch (error) {
    throw new CliError(
      'usage_invalid',
      `${option} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`,
      { exitCode: exitCodes.usage, cause: error },
    );
  }
}

async function withAgent(
  name: string,
  options: GlobalOptions,
  context: CommandContext,
  work: (connection: Connection, agent: Agent) => Promise<unknown>,
): Promise<void> {
  const connection = await requireServer(options);
  const answer = await work(connection, await findAgent(connection, name));
  await writeText(context.terminal.stdout, `${JSON.stringify(answer, null, options.json ? 0 : 2)}\n`);
}
