import { randomUUID } from 'node:crypto';
import { createInterface, type Interface } from 'node:readline/promises';
import type { JournalEntry, JsonValue, Session } from '@runbeat/protocol';
import type { Command } from 'commander';
import pc from 'picocolors';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-line.js';
import { type Connection, type GlobalOptions, requireServer } from '../connect/connect.js';
import { exitCodes } from '../exit-codes.js';
import { optionsOfRequest, textFromResult, textFromUpdate } from '../output/session-text.js';
import { writeText } from '../output/terminal.js';
import { isRunbeatApiError } from '../recognise-error.js';
import { findAgent } from './agents.js';

interface ChatOptions extends GlobalOptions {
  readonly session?: string;
  readonly message?: string;
  readonly end?: boolean;
}

/** `runbeat chat AGENT`: a conversation in the terminal. */
export function registerChat(program: Command, context: CommandContext): void {
  program
    .command('chat')
    .description('talk to an agent: its answers stream, its questions are asked, Ctrl-C cancels the prompt')
    .argument('<agent>', 'name or id')
    .option('--session <id>', 'go on with this session (default: the newest open one of the agent, else a new one)')
    .option('--message <text>', 'send one prompt, print the answer, and end')
    .option('--end', 'end the session when done; otherwise it stays for the next chat')
    .action(async (name: string, _own: unknown, command: Command) => {
      const options = context.options<ChatOptions>(command);
      const connection = await requireServer(options);
      const agent = await findAgent(connection, name);
      const session = await findSession(connection, agent.id, options.session);
      const chat = openChat(connection, session, context);
      try {
        if (options.message !== undefined) context.setExitCode(await chat.once(options.message, options.json === true));
        else await chat.talk();
        if (options.end) await connection.client.sessions.end(session.id);
      } finally {
        chat.close();
      }
    });
}

async function findSession({ client }: Connection, agentId: string, wanted: string | undefined): Promise<Session> {
  if (wanted !== undefined) return client.sessions.get(wanted);
  const { items } = await client.sessions.list(agentId, { limit: 50 });
  return items.find((session) => session.endedAt === null) ?? client.sessions.create(agentId);
}

interface Chat {
  once(prompt: string, isJson: boolean): Promise<number>;
  talk(): Promise<void>;
  close(): void;
}

function openChat({ client }: Connection, session: Session, context: CommandContext): Chat {
  const { terminal } = context;
  const stop = new AbortController();
  const dim = (text: string): string => (terminal.hasColor ? pc.dim(text) : text);
  /** Outcome waits by prompt id; resolved by the journal, so that the text before the end is on the screen first. */
  const settled = new Map<string, (entry: JournalEntry) => void>();
  let readline: Interface | null = null;
  let own: string | null = null;

  async function show(entry: JournalEntry, isHistory: boolean): Promise<void> {
    const data = entry.data as { [key: string]: JsonValue | undefined } | null;
    if (entry.kind === 'input' && isHistory)
      await writeText(
        terminal.stdout,
        `${dim('you:')} ${typeof data?.['prompt'] === 'string' ? data['prompt'] : JSON.stringify(data?.['prompt'])}\n`,
      );
    else if (entry.kind === 'output') await writeText(terminal.stdout, textFromUpdate(entry.data));
    else if (entry.kind === 'stderr' && !isHistory) await writeText(terminal.stderr, dim(String(data?.['text'] ?? '')));
    else if (entry.kind === 'status' && (data?.['state'] === 'error' || data?.['state'] === 'crashed'))
      await writeText(
        terminal.stderr,
        `${dim(`[${String(data['state'])}: ${String(data['reason'])}${data['detail'] ? `, ${String(data['detail'])}` : ''}]`)}\n`,
      );
    else if (entry.kind === 'settled') {
      await writeText(terminal.stdout, `${textFromResult(data?.['result'] ?? null)}\n`);
      settled.get(entry.promptId ?? '')?.(entry);
    } else if (entry.kind === 'request' && !isHistory) void ask(data);
  }

  /** A question of the agent, with its options by number where it names some. */
  async function ask(data: { [key: string]: JsonValue | undefined } | null): Promise<void> {
    const requestId = String(data?.['requestId'] ?? '');
    const request = data?.['request'] ?? null;
    const { title, choices } = optionsOfRequest(request);
    if (!readline) {
      await writeText(
        terminal.stderr,
        `${dim(`[the agent asks "${title}"; answer it in an interactive chat, or POST /api/sessions/${session.id}/answers with requestId ${requestId}]`)}\n`,
      );
      return;
    }
    const list = choices.map((choice, index) => `  ${index + 1}) ${choice.name}\n`).join('');
    const typed = (await readline.question(`\n${title}\n${list}> `, { signal: stop.signal })).trim();
    const answer = choices[Number(typed) - 1]?.answer ?? typed;
    await client.sessions.answer(session.id, { requestId, answer }).catch(async (error: unknown) => {
      await writeText(terminal.stderr, `${dim(`[the answer was not taken: ${messageOf(error)}]`)}\n`);
    });
  }

  const history = session.headSeq;
  const following = (async () => {
    for await (const entry of client.sessionJournal({ sessionId: session.id, signal: stop.signal }))
      await show(entry, entry.seq <= history);
  })();
  following.catch((error: unknown) => {
    if (!stop.signal.aborted) terminal.stderr.write(`${dim(`[the session cannot be followed: ${messageOf(error)}]`)}\n`);
  });

  async function send(prompt: string): Promise<JournalEntry | null> {
    const id = randomUUID();
    own = id;
    const outcome = new Promise<JournalEntry>((resolve) => settled.set(id, resolve));
    try {
      await client.sessions.message(session.id, { id, prompt });
      return await outcome;
    } catch (error) {
      await writeText(terminal.stderr, `${dim(`[${messageOf(error)}]`)}\n`);
      return null;
    } finally {
      own = null;
      settled.delete(id);
    }
  }

  return {
    async once(prompt, isJson) {
      const cancel = (): void => void client.sessions.cancel(session.id).catch(() => undefined);
      process.on('SIGINT', cancel);
      try {
        const entry = await send(prompt);
        if (!entry) return exitCodes.failure;
        if (isJson) await writeText(terminal.stdout, `${JSON.stringify(entry)}\n`);
        const state = (entry.data as { state?: string } | null)?.state;
        return state === 'completed' ? exitCodes.ok : state === 'cancelled' ? exitCodes.cancelled : exitCodes.failure;
      } finally {
        process.off('SIGINT', cancel);
      }
    },
    async talk() {
      if (!process.stdin.isTTY)
        throw new CliError('usage_invalid', 'A chat needs a terminal. For one prompt use --message TEXT.', {
          exitCode: exitCodes.usage,
        });
      const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ' });
      readline = lines;
      lines.on('SIGINT', () => {
        if (own === null) lines.close();
        else
          client.sessions
            .cancel(session.id, { promptId: own })
            .catch((error: unknown) => terminal.stderr.write(`${dim(`[${messageOf(error)}]`)}\n`));
      });
      await writeText(terminal.stderr, `${dim(`session ${session.id}; Ctrl-C cancels a prompt, Ctrl-D leaves`)}\n`);
      lines.prompt();
      for await (const line of lines) {
        if (line.trim() !== '') await send(line);
        lines.prompt();
      }
    },
    close() {
      stop.abort();
      readline?.close();
    },
  };
}

function messageOf(error: unknown): string {
  if (isRunbeatApiError(error)) return `${error.message} [${error.code}]`;
  return error instanceof Error ? error.message : String(error);
}
