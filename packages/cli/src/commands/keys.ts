import type { Command } from 'commander';
import type { CommandContext } from '../command-line.js';
import { type GlobalOptions, requireServer } from '../connect/connect.js';
import { formatAge, formatTable } from '../output/format.js';
import { writeText } from '../output/terminal.js';

interface CreateOptions extends GlobalOptions {
  readonly scope: string;
  readonly agent?: string;
  readonly expiresInDays?: string;
}

/**
 * `runbeat keys …`: API keys. On the server's own machine the commands authenticate by the token that the server leaves
 * in its home folder (readable by its user only), so that the first key can be made at all.
 */
export function registerKeys(program: Command, context: CommandContext): void {
  const keys = program.command('keys').description('create, list and revoke API keys');
  keys
    .command('create')
    .description('a new key; it is shown once')
    .argument('<name>', 'what it is for')
    .option('--scope <scope>', 'operator, company, agent or runner', 'operator')
    .option('--agent <id>', 'with --scope agent: the agent')
    .option('--expires-in-days <days>')
    .action((name: string, _own: unknown, command: Command) => create(name, context.options<CreateOptions>(command), context));
  keys
    .command('list')
    .description('keys without their secrets')
    .action((_own: unknown, command: Command) => list(context.options(command), context));
  keys
    .command('revoke')
    .description('end a key at once')
    .argument('<id>')
    .action(async (id: string, _own: unknown, command: Command) => {
      const options = context.options<GlobalOptions>(command);
      const { client } = await requireServer(options);
      await client.apiKeys.revoke(id);
      await writeText(context.terminal.stdout, options.json ? `${JSON.stringify({ revoked: id })}\n` : `${id} revoked\n`);
    });
}

async function create(name: string, options: CreateOptions, context: CommandContext): Promise<void> {
  const { client, companyId } = await requireServer(options);
  const created = await client.apiKeys.create({
    name,
    // The server names the scopes that exist when this is none of them.
    scope: options.scope as 'operator',
    ...(options.scope === 'company' || options.company ? { companyId: await companyId() } : {}),
    ...(options.agent ? { agentId: options.agent } : {}),
    ...(options.expiresInDays
      ? { expiresAt: new Date(Date.now() + Number(options.expiresInDays) * 86_400_000).toISOString() }
      : {}),
  });
  if (options.json) return writeText(context.terminal.stdout, `${JSON.stringify(created)}\n`);
  await writeText(context.terminal.stdout, `${created.key}\n`);
  await writeText(
    context.terminal.stderr,
    'Keep it now: it is not shown again. Use it as `Authorization: Bearer …` or RUNBEAT_API_KEY.\n',
  );
}

async function list(options: GlobalOptions, context: CommandContext): Promise<void> {
  const { client } = await requireServer(options);
  const page = await client.apiKeys.list({ limit: 200 });
  if (options.json) return writeText(context.terminal.stdout, `${JSON.stringify(page)}\n`);
  const now = new Date();
  const rows = page.items.map((key) => [
    key.id,
    key.name,
    key.scope,
    key.revokedAt ? 'revoked' : key.expiresAt && Date.parse(key.expiresAt) < now.getTime() ? 'expired' : 'active',
    formatAge(key.createdAt, now),
  ]);
  await writeText(
    context.terminal.stdout,
    rows.length === 0 ? 'No keys.\n' : formatTable(['KEY', 'NAME', 'SCOPE', 'STATE', 'AGE'], rows),
  );
}
