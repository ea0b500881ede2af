import type { RunbeatClient } from '@runbeat/client';
import { type Terminal, writeText } from './terminal.js';

export interface FollowOptions {
  readonly isJson: boolean;
  readonly terminal: Terminal;
  readonly signal?: AbortSignal;
  /** Start behind this record; 0 = from the start. */
  readonly afterSeq?: number;
}

/**
 * Writes a run's log as it grows: stdout to stdout, stderr and the system's own lines to stderr. Resolves when the log is
 * complete; goes on over a restart of the server.
 */
export async function followLog(client: RunbeatClient, runId: string, options: FollowOptions): Promise<void> {
  const records = client.runLog({
    runId,
    afterSeq: options.afterSeq ?? 0,
    ...(options.signal ? { signal: options.signal } : {}),
  });
  for await (const record of records) {
    if (options.isJson) await writeText(options.terminal.stdout, `${JSON.stringify({ type: 'log', ...record })}\n`);
    else if (record.stream === 'stdout') await writeText(options.terminal.stdout, record.text);
    else
      await writeText(options.terminal.stderr, record.stream === 'system' ? `[runbeat] ${record.text.trimEnd()}\n` : record.text);
  }
}
