import type { AbortReasonV1, ProcessHandleV1, RunResultV1 } from '@runbeat/adapter-sdk';
import { processHandle } from '@runbeat/adapter-sdk';
import { execa } from 'execa';
import { directoryProblem, lookUpCommand } from '../command-lookup.js';
import { outcomeFromEnd, type RunEnd } from '../run/outcome.js';
import { createReportReader, withReport } from '../run/output-report.js';
import type { ProcessSpec } from '../run/process-spec.js';
import { runEnvironment } from '../run/run-environment.js';
import { type StartContext, startFailed } from '../run/start.js';
import { createAttachedStop, outcomeOfAbort } from './attached-stop.js';
import { drainOutput } from './drain.js';
import { type AttachedTree, endAttached } from './end-attached.js';
import { createOutputPump } from './output-pump.js';

const isPosix = process.platform !== 'win32';

/**
 * Runs a command on pipes, as long as this process lives. The whole tree is ended on every abort but `fenced`. Rejects
 * only when `onSpawn` or `onLog` does.
 */
export async function runAttached(context: StartContext, spec: ProcessSpec): Promise<RunResultV1> {
  if (context.signal.aborted) return outcomeOfAbort(context.signal.reason as AbortReasonV1, false);
  const cwd = spec.cwd ?? process.cwd();
  const environment = runEnvironment(context, spec);
  const problem = startProblem(spec.command, cwd, environment);
  if (problem !== null) return startFailed(problem);
  const child = spawnChild(spec, cwd, environment);
  const { pid, stdin, stdout, stderr } = child;
  if (pid === undefined) {
    const { originalMessage, shortMessage } = await child;
    return startFailed(`The command could not be started: ${originalMessage ?? shortMessage}`);
  }
  // How it ended is taken from `exit`, which does not wait for pipes that a grandchild holds; execa's own promise does.
  child.catch(() => {});
  const exited = new Promise<RunEnd>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve(endFromExit(exitCode, signal)));
  });
  return await followChild(context, spec, { stdin, stdout, stderr, exited, handle: processHandle(pid, { leadsGroup: isPosix }) });
}

function startProblem(command: string, cwd: string, environment: Record<string, string>): string | null {
  // Windows has its own rules for what can be executed; there the start itself tells.
  if (!isPosix) return directoryProblem(cwd);
  const found = lookUpCommand({ command, cwd, environment });
  return found.found ? null : found.message;
}

function spawnChild(spec: ProcessSpec, cwd: string, environment: Record<string, string>) {
  return execa(spec.command, [...(spec.args ?? [])], {
    cwd,
    env: environment,
    extendEnv: false,
    // A group of its own, so that it can be ended as a whole.
    detached: isPosix,
    cleanup: false,
    buffer: false,
    reject: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    windowsHide: true,
  });
}

interface AttachedChild extends Pick<ReturnType<typeof spawnChild>, 'stdin' | 'stdout' | 'stderr'> {
  readonly exited: Promise<RunEnd>;
  readonly handle: ProcessHandleV1;
}

async function followChild(context: StartContext, spec: ProcessSpec, child: AttachedChild): Promise<RunResultV1> {
  // A child that ends or closes its stdin without reading the prompt breaks this pipe. Its own exit code tells enough.
  child.stdin.on('error', () => {});
  const tree: AttachedTree = { handle: child.handle, runId: context.runId, exited: child.exited };
  const announced = announce(context, child, tree);
  const report = spec.createParser === undefined ? null : createReportReader(spec.createParser());
  const onText: StartContext['onLog'] = async (stream, text) => {
    await announced;
    if (stream === 'stdout') report?.push(text);
    await context.onLog(stream, text);
  };
  // The pipes need their reader now, although what they give waits for the handle to be stored: execa, and Node when the
  // child ends, throw away what comes through a pipe that nobody reads.
  const pumps = [createOutputPump('stdout', child.stdout, onText), createOutputPump('stderr', child.stderr, onText)];
  await announced;
  child.stdin.end(spec.stdin ?? '');
  let end: RunEnd | null = null;
  void child.exited.then((seen) => {
    end = seen;
  });
  const stop = createAttachedStop(context.signal, spec, tree, () => end !== null);
  // The pumps take part only to fail: they may well end before the child does.
  const pumpsFailed = Promise.all(pumps.map((pump) => pump.done)).then(() => child.exited);
  try {
    const first = await Promise.race([child.exited, stop.fenced, pumpsFailed]);
    if (first === 'fenced') return { status: 'detached' };
    await stop.settled();
    await tellOfHolder(context, await drainOutput(pumps, tree, spec));
    const outcome = stop.outcome() ?? outcomeFromEnd({ ...noSpool, end: first, command: spec.command });
    return report === null ? outcome : withReport(outcome, report.finish(outcome.status === 'succeeded'));
  } catch (error) {
    await endAttached(tree, { signal: 'SIGKILL', graceMs: 0 });
    throw error;
  } finally {
    stop.close();
    for (const pump of pumps) pump.close();
    child.stdin.destroy();
  }
}

/** Nothing is spooled here, so no limit of the spool can be hit. */
const noSpool = { stop: null, largestBytes: 0, spoolLimitBytes: Number.POSITIVE_INFINITY };

async function announce(context: StartContext, child: AttachedChild, tree: AttachedTree): Promise<void> {
  try {
    await context.onSpawn(child.handle);
  } catch (error) {
    await endAttached(tree, { signal: 'SIGTERM', graceMs: 1_000 });
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
    throw error;
  }
}

async function tellOfHolder(context: StartContext, holder: 'ended' | 'left_behind' | null): Promise<void> {
  if (holder === null) return;
  const what = holder === 'ended' ? 'they were ended' : 'they could not be found, and what they write is lost';
  const message = `The command ended while other processes held its output open; ${what}.`;
  await context.onLog('system', `${message}\n`);
  await context.onEvent({ type: 'local.leftover_processes', level: 'warn', message });
}

function endFromExit(exitCode: number | null, signal: string | null): RunEnd {
  const at = new Date();
  if (signal !== null) return { kind: 'signalled', signal, at };
  return { kind: 'exited', exitCode: exitCode ?? 1, at };
}
