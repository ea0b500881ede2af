import type { Json, LogMarkV1, RunSinksV1, SessionContextV1 } from '@runbeat/adapter-sdk';
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
    // The one call that happens a hundred thousand times a second: checked by hand, without a promise of its own.
    onLog(stream, text, mark) {
      if (typeof text !== 'string') return refuse(`onLog takes text, it got ${typeof text}.`);
      if (!streams.has(stream)) return refuse(`onLog takes stdout, stderr or system, it got ${String(stream)}.`);
      if (mark === undefined) return channel.log({ kind: 'log', stream, text });
      const parsed = plainMark(mark) ?? logMark.safeParse(mark).data;
      if (!parsed) return refuse('onLog takes { cursor?: string, at?: string } as its mark.');
      return channel.log({ kind: 'log', stream, text, mark: parsed });
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

const streams: ReadonlySet<string> = new Set(outputStream.options);

/** The usual mark, a cursor and nothing else, without whatever else the adapter's object holds; null = look closer. */
function plainMark(mark: { readonly cursor?: unknown; readonly at?: unknown }): LogMarkV1 | null {
  return mark !== null && typeof mark.cursor === 'string' && mark.at === undefined ? { cursor: mark.cursor } : null;
}

function refuse(message: string): Promise<never> {
  return Promise.reject(hostError('adapter_invalid', message));
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
