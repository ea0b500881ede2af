/** The server's own log (pino fits). Fields first, as pino has it. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const noLogger: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
