import type { Terminal } from './terminal.js';

/** NDJSON lines on stderr, as the server writes them: for commands that stay in the foreground. */
export function createTerminalLogger(terminal: Terminal, isVerbose: boolean) {
  const write = (level: string) => (fields: object, message: string) => {
    terminal.stderr.write(`${JSON.stringify({ level, time: new Date().toISOString(), ...plain(fields), msg: message })}\n`);
  };
  return { debug: isVerbose ? write('debug') : () => undefined, info: write('info'), warn: write('warn'), error: write('error') };
}

/** Errors have no enumerable members; their name, code and message are what a reader needs. */
function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      if (!(value instanceof Error)) return [key, value];
      const { code } = value as { code?: unknown };
      return [key, { name: value.name, message: value.message, ...(code === undefined ? {} : { code }) }];
    }),
  );
}
