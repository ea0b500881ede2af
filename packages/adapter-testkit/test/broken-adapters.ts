import {
  type AbortReasonV1,
  type AdapterV1,
  type ExecuteContextV1,
  type HandleLivenessV1,
  InternalError,
  type RunHandleV1,
  type RunResultV1,
} from '@runbeat/adapter-sdk';
import type { ConformanceOptions, ScriptedWorld } from '../src/index.js';

/** An adapter that breaks one promise, and the title of the one test that has to notice. */
export interface BrokenAdapter {
  readonly name: string;
  readonly kind: 'attached' | 'handle' | 'log-driven';
  readonly fails: string;
  readonly change?: (adapter: AdapterV1, world: ScriptedWorld) => AdapterV1;
  readonly changeOptions?: (options: Omit<ConformanceOptions, 'test'>, world: ScriptedWorld) => Omit<ConformanceOptions, 'test'>;
}

type Execute = (context: ExecuteContextV1, next: (context: ExecuteContextV1) => Promise<RunResultV1>) => Promise<RunResultV1>;

/** Puts something around `execute`. */
function aroundExecute(execute: Execute): (adapter: AdapterV1) => AdapterV1 {
  return (adapter) => ({ ...adapter, execute: (context: ExecuteContextV1) => execute(context, (next) => adapter.execute(next)) });
}

const aroundResult = (
  change: (result: RunResultV1, reason: AbortReasonV1 | null) => RunResultV1,
): ((adapter: AdapterV1) => AdapterV1) =>
  aroundExecute(async (context, next) => change(await next(context), context.signal.aborted ? context.signal.reason : null));

/** Replaces members of `outOfProcess`; the given one is the working one. */
function aroundHandle(change: (working: HandleLivenessV1) => Partial<HandleLivenessV1>): (adapter: AdapterV1) => AdapterV1 {
  return (adapter) => {
    if (!adapter.hasOutOfProcessLiveness || adapter.outOfProcess.kind !== 'handle')
      throw new InternalError('not a handle adapter');
    return { ...adapter, outOfProcess: { ...adapter.outOfProcess, ...change(adapter.outOfProcess) } };
  };
}

/** A signal of one's own that repeats what the given one does, as `translate` sees it. */
function translatedSignal(signal: AbortSignal, translate: (reason: AbortReasonV1) => AbortReasonV1): AbortSignal {
  const controller = new AbortController();
  const follow = (): void => controller.abort(translate(signal.reason));
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return controller.signal;
}

const isHostKillRun = (runId: string): boolean => runId.startsWith('run-host-kill-');

const atStart: readonly BrokenAdapter[] = [
  {
    name: 'has a type that no host accepts',
    kind: 'attached',
    fails: 'registration: a host accepts the adapter, and its schema accepts each script and refuses what is no config',
    change: (adapter) => ({ ...adapter, type: 'Not A Type' }),
  },
  {
    name: 'greets before it announces its work',
    kind: 'handle',
    fails: 'rule 1: it announces its work at most once, before any output',
    change: aroundExecute(async (context, next) => {
      await context.onLog('system', 'Starting …\n');
      return next(context);
    }),
  },
  {
    name: 'announces its work twice',
    kind: 'handle',
    fails: 'rule 1: it announces its work at most once, before any output',
    change: aroundExecute((context, next) =>
      next({
        ...context,
        onSpawn: async (handle) => {
          await context.onSpawn(handle);
          await context.onSpawn(handle);
        },
      }),
    ),
  },
  {
    name: 'goes on when its handle is refused',
    kind: 'handle',
    fails: 'rule 1: when its handle is refused it stops what it started and rethrows',
    change: aroundExecute((context, next) => next({ ...context, onSpawn: (handle) => context.onSpawn(handle).catch(() => {}) })),
  },
  {
    name: 'rejects for an exit code',
    kind: 'handle',
    fails: 'rule 5: work that fails is a result, not a rejection',
    change: aroundResult((result) => {
      if (result.status === 'failed' && result.error.code === 'exit_nonzero') throw new TypeError(result.error.message);
      return result;
    }),
  },
  {
    name: 'invents a failure code without its prefix',
    kind: 'attached',
    fails: 'rule 5: a start that fails is a result, not a rejection',
    change: aroundResult((result) =>
      result.status === 'failed' && result.error.code === 'start_failed'
        ? { ...result, error: { ...result.error, code: 'ENOENT' } }
        : result,
    ),
  },
  {
    name: 'rejects when it cannot start',
    kind: 'log-driven',
    fails: 'rule 5: a start that fails is a result, not a rejection',
    change: aroundResult((result) => {
      if (result.status === 'failed' && result.error.code === 'start_failed') throw new TypeError(result.error.message);
      return result;
    }),
  },
  {
    name: 'takes an exit with 0 for a failure',
    kind: 'handle',
    fails: 'rule 5: work that ends well succeeds',
    change: aroundResult((result) =>
      result.status === 'succeeded'
        ? { status: 'failed', error: { code: 'exit_nonzero', message: 'exit code 0', retryable: false } }
        : result,
    ),
  },
  {
    name: "writes the run's token into its handle",
    kind: 'handle',
    fails: 'rule 9: its handle is JSON of at most 4 KiB without a secret',
    change: aroundExecute((context, next) =>
      next({
        ...context,
        onSpawn: (handle) => context.onSpawn(withRef(handle, { token: context.environment['RUNBEAT_RUN_TOKEN'] ?? '' })),
      }),
    ),
  },
  {
    name: 'has a handle of 5 KiB',
    kind: 'handle',
    fails: 'rule 9: its handle is JSON of at most 4 KiB without a secret',
    change: aroundExecute((context, next) =>
      next({ ...context, onSpawn: (handle) => context.onSpawn(withRef(handle, { notes: 'x'.repeat(5_120) })) }),
    ),
  },
  {
    name: 'has one abort for all of its runs',
    kind: 'handle',
    fails: 'rule 10: two runs of one adapter object keep apart',
    change(adapter) {
      const running = new Set<AbortController>();
      return aroundExecute(async (context, next) => {
        const controller = new AbortController();
        running.add(controller);
        const abortAll = (): void => {
          for (const one of running) one.abort(context.signal.reason);
        };
        if (context.signal.aborted) controller.abort(context.signal.reason);
        else context.signal.addEventListener('abort', abortAll, { once: true });
        try {
          return await next({ ...context, signal: controller.signal });
        } finally {
          running.delete(controller);
        }
      })(adapter);
    },
  },
];

const inItsReport: readonly BrokenAdapter[] = [
  {
    name: 'reports a check with a level of its own',
    kind: 'attached',
    fails: 'environment: each check of its report has a stable code, a level and a message, also for work that cannot start',
    change: (adapter) => ({
      ...adapter,
      // As an adapter in plain JavaScript may do it, hence the conversion.
      testEnvironment: async () => ({ checks: [{ code: 'command_found', level: 'fine' as 'ok', message: 'It is there.' }] }),
    }),
  },
];

const inOutput: readonly BrokenAdapter[] = [
  {
    name: 'loses a piece of the output',
    kind: 'attached',
    fails: 'rule 2: it hands on 10 MiB whole and in order',
    change: aroundExecute((context, next) => {
      let count = 0;
      return next({
        ...context,
        onLog: async (stream, text, mark) => {
          if (text.length > 1_000) count += 1;
          if (count !== 7) await context.onLog(stream, text, mark);
        },
      });
    }),
  },
  {
    name: 'sends 128 KiB at once',
    kind: 'attached',
    fails: 'rule 2: one call carries at most 64 KiB',
    change: aroundExecute(async (context, next) => {
      let held = '';
      const result = await next({
        ...context,
        onLog: async (stream, text, mark) => {
          if (held === '' && text.length === 65_536) held = text;
          else {
            await context.onLog(stream, held + text, mark);
            held = '';
          }
        },
      });
      if (held !== '') await context.onLog('stdout', held);
      return result;
    }),
  },
  {
    name: 'does not wait for onLog',
    kind: 'attached',
    fails: 'rule 2: it waits for each call, which is the back-pressure',
    change: aroundExecute((context, next) => next({ ...context, onLog: async (...call) => void context.onLog(...call) })),
  },
  {
    name: 'cuts an emoji in two',
    kind: 'attached',
    fails: 'rule 2: it never splits a character',
    change: aroundExecute((context, next) =>
      next({
        ...context,
        onLog: async (stream, text, mark) => {
          if (text !== '😀') return context.onLog(stream, text, mark);
          await context.onLog(stream, text.slice(0, 1));
          await context.onLog(stream, text.slice(1), mark);
        },
      }),
    ),
  },
  {
    name: 'decodes each chunk by itself',
    kind: 'attached',
    fails: 'rule 2: it never splits a character',
    change: aroundExecute((context, next) =>
      next({
        ...context,
        onLog: (stream, text, mark) => context.onLog(stream, text === '€' ? '\ufffd\ufffd\ufffd' : text, mark),
      }),
    ),
  },
  {
    name: 'has something to say after the end',
    kind: 'attached',
    fails: 'rule 2: it calls nothing after it has settled',
    change: aroundExecute(async (context, next) => {
      const result = await next(context);
      setTimeout(() => void context.onLog('system', 'Bye.\n'), 20);
      return result;
    }),
  },
];

const onAbort: readonly BrokenAdapter[] = [
  {
    name: 'kills without asking',
    kind: 'attached',
    fails: 'rule 4: cancelled work is asked to stop, and the run settles when it has ended',
    change: aroundResult((result) => (result.status === 'cancelled' ? { ...result, forced: true } : result)),
  },
  {
    name: 'says that forced work ended by itself',
    kind: 'attached',
    fails: 'rule 4: work that ignores the request is forced, and a second abort changes nothing',
    change: aroundResult((result) => (result.status === 'cancelled' ? { ...result, forced: false } : result)),
  },
  {
    name: 'leaves a descendant behind',
    kind: 'attached',
    fails: 'rule 4: no descendant outlives cancelled work',
    changeOptions: (options, world) => ({
      ...options,
      isProcessAlive: (pid) => world.isProcessAlive(pid) || world.workloads.some(({ descendants }) => descendants.includes(pid)),
    }),
  },
  {
    name: 'takes a limit for a cancel',
    kind: 'attached',
    fails: 'rule 4: a limit that passed is answered by timed_out with that limit',
    change: aroundExecute((context, next) =>
      next({
        ...context,
        signal: translatedSignal(context.signal, (reason) => ({
          ...reason,
          kind: reason.kind === 'timed_out' ? 'cancelled' : reason.kind,
        })),
      }),
    ),
  },
  {
    name: 'does not look at a signal that has already aborted',
    kind: 'attached',
    fails: 'rule 4: a run that is aborted from the start settles, and nothing of it is left',
    change: aroundExecute((context, next) =>
      next(context.signal.aborted ? { ...context, signal: new AbortController().signal } : context),
    ),
  },
  {
    name: 'is attached and answers detached',
    kind: 'attached',
    fails: 'rule 4 (attached): when the host shuts down it stops its work',
    change: aroundResult((result, reason) => (reason?.kind === 'host_shutdown' ? { status: 'detached' } : result)),
  },
  {
    name: 'calls detached work cancelled',
    kind: 'handle',
    fails: 'rule 4 (out of process): when the host shuts down its work goes on, and it answers detached',
    change: aroundResult((result, reason) =>
      reason?.kind === 'host_shutdown' ? { status: 'cancelled', forced: false } : result,
    ),
  },
  {
    name: 'stops the work when it is fenced',
    kind: 'handle',
    fails: 'rule 4 (out of process): when it is fenced it lets go at once and leaves the work alone',
    change: aroundExecute((context, next) =>
      next({
        ...context,
        signal: translatedSignal(context.signal, (reason) => (reason.kind === 'fenced' ? { kind: 'cancelled' } : reason)),
      }),
    ),
  },
];

const outOfProcess: readonly BrokenAdapter[] = [
  ...[
    {
      fails: 'rule 7: terminate ends the whole tree of a run, by its stored handle',
      isMeant: (runId: string) => !isHostKillRun(runId),
    },
    { fails: 'host kill: another process probes, terminates and probes again by the JSON handle alone', isMeant: isHostKillRun },
  ].map(({ fails, isMeant }): BrokenAdapter => {
    const leaked = new Set<number>();
    return {
      name: `terminates only the process that it started (${fails.slice(0, 9)})`,
      kind: 'handle',
      fails,
      change: (adapter, world) =>
        aroundHandle((working) => ({
          async terminate(context) {
            const workload = world.workloads.find(({ runId }) => runId === context.runId);
            if (isMeant(context.runId)) for (const pid of workload?.descendants ?? []) leaked.add(pid);
            return working.terminate(context);
          },
        }))(adapter),
      changeOptions: (options, world) => ({ ...options, isProcessAlive: (pid) => leaked.has(pid) || world.isProcessAlive(pid) }),
    };
  }),
  {
    name: 'claims to have stopped what was gone',
    kind: 'handle',
    fails: 'rule 7: terminate twice at once is fine, and on something gone it answers already_gone',
    change: aroundHandle((working) => ({
      terminate: async (context) => {
        const answer = await working.terminate(context);
        return context.handle === null ? answer : { stopped: answer.stopped === 'already_gone' ? 'graceful' : answer.stopped };
      },
    })),
  },
  {
    name: 'cannot terminate without a handle',
    kind: 'log-driven',
    fails: 'rule 7: terminate without a handle finds nothing of a run that never started',
    change(adapter) {
      if (!adapter.hasOutOfProcessLiveness || adapter.outOfProcess.kind !== 'log-driven')
        throw new InternalError('not log-driven');
      const working = adapter.outOfProcess;
      return {
        ...adapter,
        outOfProcess: {
          kind: 'log-driven',
          async terminate(context) {
            if (context.handle === null) throw new TypeError("Cannot read properties of null (reading 'ref')");
            return working.terminate(context);
          },
        },
      };
    },
  },
  {
    name: 'shows no life while its work is silent',
    kind: 'log-driven',
    fails: 'log-driven: it shows life while its work is silent',
    change: aroundExecute((context, next) => next({ ...context, onAlive: async () => {} })),
  },
];

const byHandle: readonly BrokenAdapter[] = [
  {
    name: 'starts over when it is reattached',
    kind: 'handle',
    fails: 'rule 3: reattach goes on right after the cursor, byte for byte',
    change: aroundHandle((working) => ({
      reattach: (context) => working.reattach(isHostKillRun(context.runId) ? context : { ...context, afterCursor: null }),
    })),
  },
  {
    name: 'takes no cursor for the end of the output',
    kind: 'handle',
    fails: 'rule 3: reattach without a cursor delivers everything from the start',
    change: aroundHandle((working) => ({
      reattach: (context) =>
        working.reattach({
          ...context,
          onLog: async (stream, text, mark) => {
            if (context.afterCursor === null && mark?.cursor === '1' && text.length > 1_000) return;
            await context.onLog(stream, text, mark);
          },
        }),
    })),
  },
  {
    name: 'lets go of reattached work instead of stopping it',
    kind: 'handle',
    fails: 'rule 4 (reattached): cancelled work is stopped',
    change: aroundHandle((working) => ({
      reattach: (context) =>
        working.reattach({ ...context, signal: translatedSignal(context.signal, () => ({ kind: 'host_shutdown' })) }),
    })),
  },
  {
    name: 'stops the work when it is asked a third time',
    kind: 'handle',
    fails: 'rule 6: probe tells running work from work that has ended, and changes neither',
    change(adapter, world) {
      const asked = new Map<string, number>();
      return aroundHandle((working) => ({
        async probe(query) {
          const answer = await working.probe(query);
          const count = answer.state === 'alive' ? (asked.get(query.runId) ?? 0) + 1 : 0;
          asked.set(query.runId, count);
          if (
            count === 3 &&
            !world.workloads.some(({ runId, config }) => runId === query.runId && JSON.stringify(config).includes('"end"'))
          ) {
            await working.terminate({ ...query, reason: 'lost' });
          }
          return answer;
        },
      }))(adapter);
    },
  },
  {
    name: 'forgets how work ended',
    kind: 'handle',
    fails: 'rule 6: probe tells how work ended while nobody watched',
    change: aroundHandle((working) => ({
      async probe(query) {
        const answer = await working.probe(query);
        return answer.state === 'ended' ? { state: 'gone' } : answer;
      },
    })),
  },
  {
    name: 'says gone when its time is up',
    kind: 'handle',
    fails: 'rule 6: a probe whose time is up never says gone or ended of work that runs',
    change: aroundHandle((working) => ({
      probe: async (query) => (query.signal.aborted ? { state: 'gone' } : working.probe(query)),
    })),
  },
  {
    name: 'says gone when it cannot find out',
    kind: 'handle',
    fails: 'rule 6: a probe that cannot find out answers unknown',
    change: aroundHandle((working) => ({
      async probe(query) {
        const answer = await working.probe(query);
        return answer.state === 'unknown' && !query.signal.aborted ? { state: 'gone' } : answer;
      },
    })),
  },
  {
    name: 'takes every end that it did not see for a success',
    kind: 'handle',
    fails: 'rule 8: reattach after the end gives the result that execute would have given',
    change: aroundHandle((working) => ({
      async reattach(context) {
        const result = await working.reattach(context);
        return result.status === 'failed' ? { status: 'succeeded' } : result;
      },
    })),
  },
  {
    name: 'keeps in memory where its work is',
    kind: 'handle',
    fails: 'host kill: work whose host is killed goes on, and is taken over byte for byte by another process',
    change(adapter) {
      const known = new Set<string>();
      const remembering = aroundExecute((context, next) => {
        known.add(context.runId);
        return next(context);
      })(adapter);
      return aroundHandle((working) => ({
        reattach: async (context) =>
          known.has(context.runId)
            ? working.reattach(context)
            : { status: 'failed', error: { code: 'process_lost', message: 'never heard of it', retryable: false } },
      }))(remembering);
    },
  },
];

function withRef(handle: RunHandleV1, more: Record<string, string>): RunHandleV1 {
  return handle.kind === 'external' ? { ...handle, ref: { ...(handle.ref as object), ...more } } : handle;
}

export const brokenAdapters: readonly BrokenAdapter[] = [
  ...atStart,
  ...inItsReport,
  ...inOutput,
  ...onAbort,
  ...outOfProcess,
  ...byHandle,
];
