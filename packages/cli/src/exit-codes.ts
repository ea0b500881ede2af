/** Exit codes of the command; `run` passes the workload's own code on. Documented in the README and in `--help`. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** No server could be reached. */
  unreachable: 3,
  /** `run`: a limit passed (as `timeout(1)` has it). */
  timedOut: 124,
  /** `run`: the workload ended without an exit code of its own (it never started, or was lost). */
  runFailed: 125,
  /** `run`: cancelled. */
  cancelled: 130,
} as const;

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGXCPU: 24,
  SIGXFSZ: 25,
};

/** The code with which `runbeat run` ends: the workload's own where it has one, else 128 + signal, 124, 130 or 125. */
export function exitCodeFromRun(run: {
  readonly status: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
}): number {
  if (run.status === 'succeeded') return run.exitCode ?? exitCodes.ok;
  if (run.status === 'timed_out') return exitCodes.timedOut;
  if (run.status === 'cancelled') return exitCodes.cancelled;
  if (run.exitCode !== null && run.exitCode !== 0) return run.exitCode;
  if (run.signal !== null) return 128 + (signalNumbers[run.signal] ?? 0);
  return exitCodes.runFailed;
}
