import type { Logger } from '../../../src/supervisor/ports/index.js';

export interface RecordingLogger extends Logger {
  readonly lines: readonly {
    readonly level: 'debug' | 'info' | 'warn' | 'error';
    readonly fields: object;
    readonly message: string;
  }[];
  /** Everything that was logged, errors with their stacks, as one text. */
  text(): string;
}

/** Keeps what the server logs, so that a test can look for what must not be there. */
export function createRecordingLogger(): RecordingLogger {
  const lines: { level: 'debug' | 'info' | 'warn' | 'error'; fields: object; message: string }[] = [];
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return {
    lines,
    text: () =>
      lines
        .map(({ level, fields, message }) => {
          const { err } = fields as { err?: unknown };
          const error = err instanceof Error ? ` ${err.stack} ${JSON.stringify(err, Object.getOwnPropertyNames(err))}` : '';
          return `${level} ${message} ${JSON.stringify(fields)}${error}`;
        })
        .join('\n'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}
