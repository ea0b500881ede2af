import { createUtf8Decoder, type ProcessHandleV1, type RunEventV1, splitText } from '@runbeat/adapter-sdk';
import type { PaperclipCallbacks, PaperclipExecuteContext } from './context.js';
import { handleFromSpawn } from './handle.js';
import { jsonCopy } from './json-copy.js';
import { isMembers } from './paperclip-module.js';

/**
 * What a module says before it announces its process waits for the announcement: a handle is stored before the first
 * log. A module that announces nothing for so long gets its logs through.
 */
const BEFORE_SPAWN_LIMIT_MS = 1_000;
const BEFORE_SPAWN_LIMIT_LENGTH = 64 * 1024;

/** A module's reports on their way to the host, in the order in which they were made. */
export interface ModuleReports {
  readonly callbacks: PaperclipCallbacks;
  /** The processes announced so far. */
  readonly handles: readonly ProcessHandleV1[];
  /** Hands on what waits. Rejects with what the host refused when the module was not told. */
  finish(): Promise<void>;
  /** From here on the module's reports go nowhere: the run has an end already. */
  close(): void;
}

/**
 * States: *before* (logs are kept), *flowing* (after the announcement, the time limit or `finish`), *closed*.
 * @param onRefused called when the host could not store the handle: what was started must be stopped.
 */
export function createModuleReports(
  type: string,
  context: Pick<PaperclipExecuteContext, 'onLog' | 'onEvent' | 'onSpawn'>,
  onRefused: (error: unknown) => void,
): ModuleReports {
  const handles: ProcessHandleV1[] = [];
  const decoders = { stdout: createUtf8Decoder(), stderr: createUtf8Decoder() };
  let state: 'before' | 'flowing' | 'closed' = 'before';
  let keptLength = 0;
  let release = (): void => {};
  /** Every report waits for the one before it. */
  let chain: Promise<void> = new Promise<void>((resolve) => {
    release = resolve;
  });
  let failure: { readonly error: unknown } | null = null;
  const timer = setTimeout(() => flow(), BEFORE_SPAWN_LIMIT_MS);

  const flow = (): void => {
    clearTimeout(timer);
    if (state === 'before') state = 'flowing';
    release();
  };
  const inOrder = (work: () => Promise<void>): Promise<void> => {
    if (state === 'closed') return Promise.resolve();
    const done = chain.then(async () => {
      if (state !== 'closed') await work();
    });
    chain = done.catch((error: unknown) => {
      failure ??= { error };
    });
    return done;
  };

  const callbacks: PaperclipCallbacks = {
    async onLog(rawStream, chunk) {
      const stream = rawStream === 'stderr' ? 'stderr' : 'stdout';
      const text = chunk instanceof Uint8Array ? decoders[stream].push(chunk) : String(chunk);
      const done = inOrder(async () => {
        for (const piece of splitText(text)) await context.onLog(stream, piece);
      });
      if (state !== 'before') return await done;
      // The module goes on, since its next step may be the announcement that this log waits for.
      void done.catch(() => undefined);
      keptLength += text.length;
      if (keptLength > BEFORE_SPAWN_LIMIT_LENGTH) flow();
    },
    async onMeta(meta) {
      await tell(invocationEvent(type, meta));
    },
    async onEvent(event) {
      const told = runtimeEvent(type, event);
      if (told) await tell(told);
    },
    async onSpawn(meta) {
      if (state === 'closed') return;
      const handle = await handleFromSpawn(meta);
      if (!handle) return;
      handles.push(handle);
      if (handles.length > 1) {
        const message = `The module started another process, pid ${handle.pid}; the first one's handle stays.`;
        await tell({ type: `${type}.respawned`, level: 'info', message, data: { pid: handle.pid } });
        return;
      }
      try {
        await context.onSpawn(handle);
      } catch (error) {
        failure ??= { error };
        onRefused(error);
        throw error;
      } finally {
        flow();
      }
    },
  };
  const tell = async (event: RunEventV1): Promise<void> => {
    if (state !== 'closed') await context.onEvent(event);
  };

  return {
    callbacks,
    handles,
    async finish() {
      flow();
      for (;;) {
        const current = chain;
        await current;
        if (current === chain) break;
      }
      if (failure) throw failure.error;
    },
    close() {
      clearTimeout(timer);
      state = 'closed';
      release();
    },
  };
}

/** Which command a module runs. Its environment and prompt stay out: they hold secrets and are long. */
function invocationEvent(type: string, meta: unknown): RunEventV1 {
  const known = isMembers(meta) ? meta : {};
  const data = jsonCopy({ command: known['command'], cwd: known['cwd'], notes: known['commandNotes'] });
  return {
    type: `${type}.invocation`,
    level: 'info',
    message: `Runs ${typeof known['command'] === 'string' ? known['command'] : 'its command'}.`,
    ...(data === undefined ? {} : { data }),
  };
}

function runtimeEvent(type: string, event: unknown): RunEventV1 | null {
  if (!isMembers(event) || typeof event['eventType'] !== 'string') return null;
  const level = event['level'];
  const data = jsonCopy(event['payload']);
  return {
    type: `${type}.${event['eventType']}`,
    level: level === 'warn' || level === 'error' ? level : 'info',
    message: typeof event['message'] === 'string' ? event['message'] : event['eventType'],
    ...(data === undefined ? {} : { data }),
  };
}
