import { constants } from 'node:fs';
import { access, mkdir, statfs } from 'node:fs/promises';
import { createServer as createSocketServer } from 'node:net';
import type { ServerSettings } from '@runbeat/server';
import type { Command } from 'commander';
import pc from 'picocolors';
import type { CommandContext } from '../command-line.js';
import { type Connection, findServer, type GlobalOptions, settingsFromOptions, startEmbedded } from '../connect/connect.js';
import { exitCodes } from '../exit-codes.js';
import { writeText } from '../output/terminal.js';

interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'warn' | 'error';
  readonly message: string;
  readonly hint?: string;
}

const minimumNode = [20, 19] as const;
const lowDiskBytes = 1024 ** 3;

/** `runbeat doctor`: is everything there that a server needs, and how to mend what is not. Exit code 1 when not. */
export function registerDoctor(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description('check Node, home folder, database, adapters and port, and say how to mend what is wrong')
    .action(async (_own: unknown, command: Command) => {
      const options = context.options<GlobalOptions>(command);
      const findings = await examine(options);
      if (options.json) await writeText(context.terminal.stdout, `${JSON.stringify({ findings })}\n`);
      else for (const finding of findings) await writeText(context.terminal.stdout, line(finding, context.terminal.hasColor));
      if (findings.some((finding) => finding.level === 'error')) context.setExitCode(exitCodes.failure);
    });
}

async function examine(options: GlobalOptions): Promise<readonly Finding[]> {
  const { settings } = await settingsFromOptions(options);
  const findings: Finding[] = [checkNode(), await checkHome(settings.home)];
  if (findings.some((finding) => finding.level === 'error')) return findings;
  const running = await findServer(options);
  if (running) findings.push({ check: 'server', level: 'ok', message: `a server answers on ${running.url}` });
  else findings.push(await checkPort(settings));
  findings.push(...(await checkServer(running, options)));
  return findings;
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isEnough = major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1]);
  return isEnough
    ? { check: 'node', level: 'ok', message: `Node ${process.versions.node}` }
    : {
        check: 'node',
        level: 'error',
        message: `Node ${process.versions.node} is too old`,
        hint: `install Node ${minimumNode.join('.')} or newer`,
      };
}

async function checkHome(home: string): Promise<Finding> {
  try {
    await mkdir(home, { recursive: true, mode: 0o711 });
    await access(home, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(home);
    const free = bavail * bsize;
    if (free < lowDiskBytes)
      return {
        check: 'home',
        level: 'warn',
        message: `${home}: only ${Math.round(free / 1024 ** 2)} MiB free`,
        hint: 'logs and the database live there; make room or set RUNBEAT_HOME',
      };
    return { check: 'home', level: 'ok', message: `${home} is writable, ${Math.round(free / 1024 ** 3)} GiB free` };
  } catch (error) {
    return {
      check: 'home',
      level: 'error',
      message: `${home} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'set RUNBEAT_HOME to a folder that you may write to',
    };
  }
}

function checkPort(settings: ServerSettings): Promise<Finding> {
  return new Promise((resolve) => {
    const probe = createSocketServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      resolve({
        check: 'port',
        level: 'error',
        message: `${settings.host}:${settings.port} cannot be listened on: ${error.code ?? error.message}`,
        hint: 'end the program that uses it, or set RUNBEAT_PORT',
      }),
    );
    probe.listen(settings.port, settings.host, () =>
      probe.close(() => resolve({ check: 'port', level: 'ok', message: `${settings.host}:${settings.port} is free` })),
    );
  });
}

/** Asks the running server, or starts one for the moment, which is the truest check of the database there is. */
async function checkServer(running: Connection | null, options: GlobalOptions): Promise<readonly Finding[]> {
  let connection = running;
  try {
    connection ??= await startEmbedded(options);
  } catch (error) {
    return [
      {
        check: 'database',
        level: 'error',
        message: error instanceof Error ? error.message : String(error),
        hint: 'the message names the remedy; DATABASE_URL uses a PostgreSQL of yours',
      },
    ];
  }
  try {
    const { client } = connection;
    const ready = await client.health.ready();
    const findings: Finding[] = ready.checks.map((check) => ({
      check: check.name,
      level: check.ok ? 'ok' : 'error',
      message: check.message,
    }));
    const { items } = await client.adapters.list();
    for (const adapter of items) {
      findings.push(
        adapter.state === 'ready'
          ? { check: `adapter ${adapter.type}`, level: 'ok', message: `ready${adapter.version ? ` (${adapter.version})` : ''}` }
          : {
              check: `adapter ${adapter.type}`,
              level: 'error',
              message: `${adapter.state}: ${adapter.lastError?.message ?? 'no reason given'}`,
              hint: `runbeat adapters update ${adapter.type}`,
            },
      );
    }
    return findings;
  } finally {
    await connection.close();
  }
}

function line(finding: Finding, hasColor: boolean): string {
  const mark = { ok: 'ok   ', warn: 'warn ', error: 'ERROR' }[finding.level];
  const color = { ok: pc.green, warn: pc.yellow, error: pc.red }[finding.level];
  return `${hasColor ? color(mark) : mark}  ${finding.check}: ${finding.message}${finding.hint ? `\n       → ${finding.hint}` : ''}\n`;
}
