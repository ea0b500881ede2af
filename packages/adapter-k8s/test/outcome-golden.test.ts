import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { outcomeFromPod } from '../src/outcome/outcome-from-pod.js';
import { planWaiting } from '../src/outcome/plan-waiting.js';
import { defaultTimings } from '../src/timings.js';
import type { WirePod } from '../src/wire.js';

// Final states of Pods as a real 1.34 showed them, judged by the pure functions of the failure catalogue.
interface FinalState {
  readonly file: string;
  readonly job: { readonly name: string } | null;
  readonly pod: { readonly status: { containerStatuses?: { name: string }[] } } | null;
}

const states = JSON.parse(readFileSync(new URL('./golden/final-states.json', import.meta.url), 'utf8')) as FinalState[];

function podOf(name: string): WirePod {
  const state = states.find((each) => each.job?.name === name && each.pod !== null);
  if (!state?.pod) throw new Error(`No recorded Pod of ${name}`);
  const pod = structuredClone(state.pod) as WirePod & FinalState['pod'];
  // The recorder called its container `main`.
  for (const container of pod?.status.containerStatuses ?? []) if (container.name === 'main') container.name = 'work';
  return pod as WirePod;
}

const outcome = (name: string): unknown => outcomeFromPod({ pod: podOf(name), shimExit: null, stop: null, maxRuntimeMs: 60_000 });
const obstacle = (name: string): unknown => planWaiting({ pod: podOf(name), events: null, timings: defaultTimings })?.failure;

describe('recorded Pods that ended', () => {
  test.each([
    ['g3-exit3', { status: 'failed', error: { code: 'exit_nonzero', exitCode: 3 } }],
    ['g5-pd', { status: 'timed_out', limitMs: 60_000, forced: true }],
    ['g5-pd0', { status: 'timed_out', limitMs: 60_000, forced: false }],
    ['g6-nocmd', { status: 'failed', error: { code: 'k8s.container_start_failed' } }],
    ['g6-noexec', { status: 'failed', error: { code: 'k8s.container_start_failed' } }],
    ['g6-wd', { status: 'failed', error: { code: 'k8s.container_start_failed' } }],
    ['g6-oom', { status: 'failed', error: { code: 'oom_killed', exitCode: 137 } }],
    ['g6-oomc', { status: 'failed', error: { code: 'oom_killed', exitCode: 0 } }],
    ['g6-ed', { status: 'failed', error: { code: 'evicted', retryable: true } }],
    ['g6-eph', { status: 'failed', error: { code: 'evicted', retryable: true } }],
  ])('%s', (name, expected) => {
    expect(outcome(name)).toMatchObject(expected);
  });
});

describe('recorded Pods that wait', () => {
  test.each([
    ['g6-pull', 'image_pull_failed'],
    ['g6-inv', 'k8s.image_invalid'],
    ['g6-never', 'k8s.image_invalid'],
    ['g6-root', 'k8s.container_config_error'],
    ['g6-cpu', 'unschedulable'],
    ['g6-sel', 'unschedulable'],
  ])('%s waits with %s', (name, code) => {
    expect(obstacle(name)).toMatchObject({ code });
    expect(outcome(name)).toBeNull();
  });
});
