import { AdapterError, assertNever, sleep } from '@runbeat/adapter-sdk';
import { tenMebibytes } from '../workload/expected-output.js';
import type { ScriptedConfig, ScriptedStep } from './scripted-step.js';
import { createScriptedWorkload, type ScriptedWorkload, type WorkloadControl } from './scripted-workload.js';

/**
 * Where scripted work lives: apart from any adapter object, so that it survives the host that started it. Give the same
 * world to a second adapter to play a restarted or a second host.
 */
export interface ScriptedWorld {
  /** All workloads ever started, in order. */
  readonly workloads: readonly ScriptedWorkload[];
  /** The workload of a run, as soon as a host has started it; rejects after `limitMs` (20 s). */
  workload(runId: string, limitMs?: number): Promise<ScriptedWorkload>;
  /** The next workload that is started after this call. */
  nextWorkload(limitMs?: number): Promise<ScriptedWorkload>;
  /** Whether a pid printed by a scripted workload stands for something that still runs. */
  isProcessAlive(pid: number): boolean;
}

/** The adapter's side of a world. */
export interface ScriptedWorldControl extends ScriptedWorld {
  start(runId: string, config: ScriptedConfig): WorkloadControl;
  find(runId: string): WorkloadControl | null;
}

// Linux gives no pid above 4,194,304, macOS none above 99,999: a test that signals one of these reaches nobody.
const firstPid = 1_000_000_000;
let nextPid = firstPid;

export function createScriptedWorld(): ScriptedWorld {
  const byRunId = new Map<string, WorkloadControl>();
  const started: WorkloadControl[] = [];
  const watchers = new Set<() => void>();

  const waitFor = (what: string, find: () => WorkloadControl | undefined, limitMs = 20_000): Promise<ScriptedWorkload> =>
    new Promise((resolve, reject) => {
      const watch = (): void => {
        const found = find();
        if (!found) return;
        clearTimeout(timer);
        watchers.delete(watch);
        resolve(found);
      };
      const timer = setTimeout(() => {
        watchers.delete(watch);
        reject(
          new AdapterError(
            'condition_not_met',
            `${limitMs} ms passed and no host started ${what}. Started: ${[...byRunId.keys()].join(', ') || 'nothing'}.`,
          ),
        );
      }, limitMs);
      watchers.add(watch);
      watch();
    });

  const world: ScriptedWorldControl = {
    workloads: started,
    workload: (runId, limitMs) => waitFor(`the work of run ${runId}`, () => byRunId.get(runId), limitMs),
    nextWorkload(limitMs) {
      const seen = started.length;
      return waitFor('another workload', () => started[seen], limitMs);
    },
    isProcessAlive: (pid) =>
      started.some(({ state, pid: own, descendants }) => state.kind === 'running' && (own === pid || descendants.includes(pid))),
    start(runId, config) {
      const workload = createScriptedWorkload({ runId, config, pid: nextPid });
      nextPid += 1;
      byRunId.set(runId, workload);
      started.push(workload);
      for (const watch of [...watchers]) watch();
      return workload;
    },
    find: (runId) => byRunId.get(runId) ?? null,
  };
  return world;
}

/** Plays the steps of a config until the workload stops. Never rejects: nobody waits for it. */
export async function playSteps(workload: WorkloadControl): Promise<void> {
  for (const step of workload.config.steps ?? []) {
    if (workload.state.kind !== 'running') return;
    await playStep(workload, step);
  }
}

async function playStep(workload: WorkloadControl, step: ScriptedStep): Promise<void> {
  // What a program prints waits in its spool, not in the program: nothing here waits for delivery.
  switch (step.do) {
    case 'write':
      return void workload.write(step.stream, step.text);
    case 'ready':
      return void workload.write('stdout', `ready ${workload.pid}\n`);
    case 'write10MiB':
      return void workload.write('stdout', tenMebibytes());
    case 'alive':
      return void workload.alive();
    case 'wait':
      return void (await sleep(step.ms));
    case 'ignoreStop':
      return workload.ignoreStop();
    case 'grandchild': {
      nextPid += 1;
      workload.addDescendant(nextPid);
      nextPid += 1;
      return void workload.write('stdout', `grandchild ${nextPid - 1}\n`);
    }
    case 'end':
      return workload.end(step.result);
    default:
      return assertNever(step, 'step');
  }
}
