import type { Json, RunSinksV1, SessionContextV1 } from '@runbeat/adapter-sdk';
import { z } from 'zod';
import { hostError } from '../adapter-host-error.js';
import { logMark, outputStream, runEvent, runHandle, sessionOutput } from '../contract/report-schemas.js';
import type { ReportChannel } from './report-channel.js';

/**
 * The functions of a context as the adapter in the worker gets them. What is of the wrong shape is refused here, to the
 * adapter that sent it; at the host's end it would look like a broken worker.
 */
export function runSinks(channel: ReportChannel): RunSinksV1 & { onSpawn(handle: unknown): Promise<void> } {
  return {
    async onLog(stream, text, mark) {
      if (typeof text !== 'string') throw hostError('adapter_invalid', `onLog takes text, it got ${typeof text}.`);
      const parsedMark = mark === undefined ? undefined : accept('onLog mark', logMark, mark);
      const entry = { kind: 'log', stream: accept('onLog stream', outputStream, stream), text } as const;
      await channel.log(parsedMark ? { ...entry, mark: parsedMark } : entry);
    },
    async onAlive() {
      await channel.report({ kind: 'alive' });
    },
    async onEvent(event) {
      await channel.report({ kind: 'event', event: accept('onEvent', runEvent, event) });
    },
    async onSpawn(handle) {
      await channel.report({ kind: 'spawn', handle: accept('onSpawn', runHandle, handle) });
    },
  };
}

/** As `runSinks`, for a session. `resumeState` is asked before each output, so that the host knows it as it was then. */
export function sessionSinks(
  channel: ReportChannel,
  changedResumeState: () => { resumeState?: Json },
): Pick<SessionContextV1, 'onSpawn' | 'onOutput' | 'onEvent'> {
  const sinks = runSinks(channel);
  return {
    onSpawn: sinks.onSpawn,
    onEvent: sinks.onEvent,
    async onOutput(rawOutput, rawMark) {
      const output = accept('onOutput', sessionOutput, rawOutput);
      const mark = rawMark === undefined ? {} : { mark: accept('onOutput mark', logMark, rawMark) };
      await channel.report({ kind: 'output', output, ...mark, ...changedResumeState() });
    },
  };
}

function accept<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw hostError('adapter_invalid', `${what} got a value of the wrong shape: ${z.prettifyError(parsed.error)}`);
}
