import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { processesWith, waitUntil } from '../harness/processes.js';
import { countedLines, readLog, textOf } from '../harness/test-server.js';
import type { PlannedWork } from './plan-chaos.js';
import { type ChaosWorld, homeOf } from './run-chaos.js';

/** Where the world is not as promised. */
export interface Violation {
  readonly runId: string | null;
  readonly promise: string;
  readonly found: string;
}

interface RunRow {
  readonly id: string;
  readonly agentId: string;
  readonly adapterType: string;
  readonly status: string;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly exitCode: number | null;
  readonly attempt: number;
  readonly retryOfRunId: string | null;
  readonly processLossRetryCount: number;
  readonly finishes: number;
  readonly retries: number;
}

/** A run that ended by its own will, so everything that it had to say must be there. */
const isNatural = ({ status, errorCode }: RunRow): boolean => status === 'succeeded' || errorCode === 'exit_nonzero';

export async function findViolations(world: ChaosWorld): Promise<{ violations: Violation[]; runs: number; codes: object }> {
  const runs = await readRuns(world);
  const violations = [...(await workViolations(world, runs)), ...(await stateViolations(world))];
  for (const run of runs) violations.push(...(await runViolations(world, run)));
  const codes: Record<string, number> = {};
  for (const { status, errorCode } of runs) {
    const name = errorCode ?? status;
    codes[name] = (codes[name] ?? 0) + 1;
  }
  return { violations, runs: runs.length, codes };
}

function readRuns({ database }: ChaosWorld): Promise<RunRow[]> {
  return database.query<RunRow>(
    `SELECT id, agent_id AS "agentId", adapter_type AS "adapterType", status, error_code AS "errorCode", error,
       exit_code::int AS "exitCode", attempt, retry_of_run_id AS "retryOfRunId",
       process_loss_retry_count AS "processLossRetryCount",
       (SELECT count(*)::int FROM heartbeat_run_events event WHERE event.run_id = run.id AND event.type = 'run-finished') AS finishes,
       (SELECT count(*)::int FROM heartbeat_runs retry WHERE retry.retry_of_run_id = run.id) AS retries
     FROM heartbeat_runs run ORDER BY created_at, insertion_id`,
  );
}

/** No work was forgotten, and none was done twice without need. */
async function workViolations(world: ChaosWorld, runs: readonly RunRow[]): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const [agentId, work] of world.workOfAgent) {
    const own = runs.filter((run) => run.agentId === agentId);
    if (own.length === 0) violations.push({ runId: null, promise: 'work was started', found: `nothing for agent ${agentId}` });
    const last = own.at(-1);
    const isUndisturbed = own.every(({ id }) => !world.struckRuns.has(id));
    if (work.adapterType !== 'local' || !last || !isUndisturbed) continue;
    if (!isNatural(last))
      violations.push({ runId: last.id, promise: 'work that nobody touched ends by itself', found: describe(last) });
  }
  return violations;
}

async function stateViolations({ database }: ChaosWorld): Promise<Violation[]> {
  const open = await database.query<{ id: string; status: string; runId: string | null }>(
    `SELECT id, status, run_id AS "runId" FROM agent_wakeup_requests WHERE status IN ('queued', 'deferred', 'claimed')`,
  );
  const locked = await database.query<{ id: string; runId: string }>(
    'SELECT id, execution_run_id AS "runId" FROM issues WHERE execution_run_id IS NOT NULL',
  );
  const left = await stillAlive(database);
  return [
    ...open.map(({ id, status, runId }) => ({ runId, promise: 'no wakeup is open', found: `request ${id} is ${status}` })),
    ...locked.map(({ id, runId }) => ({ runId, promise: 'no issue is locked', found: `issue ${id} is` })),
    ...left.map(({ runId, pids }) => ({ runId, promise: 'no process is left', found: `pids ${pids.join(', ')} live` })),
  ];
}

/**
 * What a run started and what left its group may need a moment to go after the run is settled. A command that ended by
 * itself or by somebody else’s signal may leave behind what it had sent out of its group on purpose, as a daemon (README of
 * adapter-local); what was stopped or lost may not.
 */
async function stillAlive({ query }: ChaosWorld['database']): Promise<{ runId: string; pids: number[] }[]> {
  const rows = await query<{ id: string }>(
    `SELECT id FROM heartbeat_runs
      WHERE status <> 'succeeded' AND coalesce(error_code, '') NOT IN ('exit_nonzero', 'killed_by_signal')`,
  );
  const ids = new Set(rows.map(({ id }) => id));
  const find = (): { runId: string; pids: number[] }[] => {
    if (processesWith('RUNBEAT_RUN_ID=').length === 0) return [];
    return [...ids].map((runId) => ({ runId, pids: processesWith(`RUNBEAT_RUN_ID=${runId}`) })).filter(({ pids }) => pids.length);
  };
  await waitUntil(
    () => find().length === 0,
    3_000,
    () => 'processes to end',
  ).catch(() => undefined);
  return find();
}

async function runViolations(world: ChaosWorld, run: RunRow): Promise<Violation[]> {
  const violations: Violation[] = [];
  const claim = (is: boolean, promise: string, found: string): void => {
    if (!is) violations.push({ runId: run.id, promise, found: `${found}; ${describe(run)}` });
  };
  const work = world.workOfAgent.get(run.agentId);
  if (!work) return [{ runId: run.id, promise: 'every run was asked for', found: describe(run) }];
  claim(run.finishes === 1, 'a run is settled exactly once', `${run.finishes} run-finished events`);
  claim(run.processLossRetryCount <= 1 && run.retries <= 1, 'a lost run has one retry at most', `${run.retries} retries`);
  const executions = await marksOf(world, run.id);
  claim(executions <= 1, 'a run is executed once', `${executions} executions`);
  if (isNatural(run)) claim(executions === 1, 'a run that ended was executed', `${executions} executions`);
  if (isNatural(run)) claim((run.exitCode ?? 0) === work.exitCode, 'the exit code is true', `not ${work.exitCode}`);
  const stored = await storedText(world, run.id);
  for (const [promise, found] of logFaults(stored, await spooledText(world, run.id), run, work)) claim(false, promise, found);
  return violations;
}

function logFaults(stored: string, spooled: string | null, run: RunRow, work: PlannedWork): [string, string][] {
  const faults: [string, string][] = [];
  const numbers = countedLines(stored);
  const firstWrong = numbers.findIndex((number, index) => number !== index + 1);
  if (firstWrong !== -1)
    faults.push(['every line is stored once, in order', `line ${firstWrong + 1} is ${numbers[firstWrong]} of ${numbers.length}`]);
  if (isNatural(run) && numbers.length !== work.lines)
    faults.push(['the log of a run that ended by itself is whole', `${numbers.length} of ${work.lines} lines`]);
  if (spooled !== null && spooled !== stored)
    faults.push(['what was written is what is stored', `${spooled.length} characters written, ${stored.length} stored`]);
  return faults;
}

async function storedText({ servers }: ChaosWorld, runId: string): Promise<string> {
  const client = servers[0]?.client;
  return client ? textOf(await readLog(client, runId)) : '';
}

/**
 * What the program wrote into its file, while that is there; null for attached runs and runs that never began. A server that
 * was killed before it started the program leaves an empty file, beside the one of the server that started it.
 */
async function spooledText({ folder, servers }: ChaosWorld, runId: string): Promise<string | null> {
  const texts = await Promise.all(
    servers.map((_, index) => readFile(join(homeOf(folder, index), 'runs', runId, 'stdout'), 'utf8').catch(() => null)),
  );
  const found = texts.filter((text) => text !== null);
  return found.length === 0 ? null : found.join('');
}

async function marksOf({ folder }: ChaosWorld, runId: string): Promise<number> {
  const marks = join(folder, 'marks');
  if (!(await readdir(marks)).includes(runId)) return 0;
  return (await readFile(join(marks, runId), 'utf8')).trim().split('\n').length;
}

const describe = ({ adapterType, status, errorCode, error, exitCode, attempt, retryOfRunId }: RunRow): string =>
  `it is ${JSON.stringify({ adapterType, status, errorCode, error, exitCode, attempt, retryOfRunId })}`;
