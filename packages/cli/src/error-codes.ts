/** Codes of the command itself; those of the server and of adapters are passed on as they are. */
export const cliErrorCodes = [
  'usage_invalid',
  'server_not_running',
  'agent_not_found',
  'agent_ambiguous',
  'stdin_too_large',
] as const;

export type CliErrorCode = (typeof cliErrorCodes)[number];
