import { AdapterError, failureFromError, isAdapterError } from './adapter-error.js';
import { logTextLimitBytes } from './contract-limits.js';
import { assertNever } from './internal-error.js';
import { splitText } from './split-text.js';
import type { ExecuteContextV1, LogMarkV1, RunEventV1, RunSinksV1 } from './v1/execute-context-v1.js';
import type { OutputStreamV1 } from './v1/output-stream-v1.js';
import type { RunHandleV1 } from './v1/run-handle-v1.js';
import type { RunResultV1 } from './v1/run-result-v1.js';

/** What a generator may yield; each is handed to the context's sink of that name, and the generator goes on after it. */
export type ExecuteEvent =
  | { readonly type: 'spawn'; readonly handle: RunHandleV1 }
  /** Text over 64 KiB is cut for you, unless it carries a cursor: a cursor belongs to one `onLog`. */
  | { readonly type: 'log'; readonly stream: OutputStreamV1; readonly text: string; readonly mark?: LogMarkV1 }
  | { readonly type: 'alive' }
  | { readonly type: 'event'; readonly event: RunEventV1 };

/** The context without its sinks: a generator yields instead of calling them. */
export type ExecuteInput<Config = unknown> = Omit<ExecuteContextV1<Config>, 'onSpawn' | 'onLog' | 'onAlive' | 'onEvent'>;

/**
 * Makes an `execute` out of a generator that yields what happens and returns the result. Each event is delivered before
 * the generator goes on, which is the back-pressure, and order and `onSpawn` before `onLog` follow from reading order.
 *
 * - When a sink rejects, the error is thrown at the `yield`, so that `finally` blocks stop the work, and then rethrown
 *   to the host, whatever the generator makes of it.
 * - An `AdapterError` that the generator throws becomes a `failed` result with its code; anything else rejects, which a
 *   host records as `adapter_error`.
 *
 * Inside `defineAdapter` name the config's type, `executeFromEvents<Config>(…)`: TypeScript cannot infer it there.
 */
export function executeFromEvents<Config = unknown>(
  generate: (input: ExecuteInput<Config>) => AsyncGenerator<ExecuteEvent, RunResultV1, undefined>,
): (context: ExecuteContextV1<Config>) => Promise<RunResultV1> {
  return async (context) => {
    const events = generate(context);
    while (true) {
      const step = await nextStep(events);
      if ('failed' in step) return step.failed;
      if (step.done) return step.value;
      try {
        await deliver(step.value, context);
      } catch (sinkError) {
        await stopGenerator(events, sinkError);
        throw sinkError;
      }
    }
  };
}

type Sinks = RunSinksV1 & Pick<ExecuteContextV1, 'onSpawn'>;
type Events = AsyncGenerator<ExecuteEvent, RunResultV1, undefined>;

async function nextStep(events: Events): Promise<IteratorResult<ExecuteEvent, RunResultV1> | { failed: RunResultV1 }> {
  try {
    return await events.next();
  } catch (error) {
    if (!isAdapterError(error)) throw error;
    return { failed: { status: 'failed', error: failureFromError(error) } };
  }
}

/** Lets `catch` and `finally` blocks run. What they throw or return no longer matters: the sink's error is the answer. */
async function stopGenerator(events: Events, sinkError: unknown): Promise<void> {
  try {
    const answer = await events.throw(sinkError);
    if (!answer.done) await events.return({ status: 'cancelled', forced: true });
  } catch (error) {
    if (error !== sinkError && sinkError instanceof Error && sinkError.cause === undefined) sinkError.cause = error;
  }
}

async function deliver(event: ExecuteEvent, sinks: Sinks): Promise<void> {
  switch (event.type) {
    case 'spawn':
      return sinks.onSpawn(event.handle);
    case 'log':
      return deliverLog(event, sinks);
    case 'alive':
      return sinks.onAlive();
    case 'event':
      return sinks.onEvent(event.event);
    default:
      return assertNever(event, 'event of the generator');
  }
}

async function deliverLog(event: ExecuteEvent & { type: 'log' }, sinks: Sinks): Promise<void> {
  const pieces = splitText(event.text);
  if (pieces.length > 1 && event.mark?.cursor !== undefined) {
    throw new AdapterError(
      'invalid_argument',
      `A log event with a cursor must fit into one onLog (${logTextLimitBytes} bytes). Yield pieces, each with its own cursor: see pushPieces of createUtf8Decoder.`,
    );
  }
  for (const piece of pieces) await sinks.onLog(event.stream, piece, event.mark);
}
