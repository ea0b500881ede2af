import { AdapterError, type TerminationV1 } from '@runbeat/adapter-sdk';
import { foldersScript, scriptWith, stopScript } from './remote-scripts.js';
import { type Login, runScript } from './ssh.js';

export interface StopRequest {
  readonly login: Login;
  readonly runId: string;
  readonly folder: string;
  readonly graceMs: number;
}

/** Asks everything of the run to end, waits, forces; all of it over there, in one connection. */
export async function stopRemotely({ login, runId, folder, graceMs }: StopRequest): Promise<TerminationV1> {
  const tenths = String(Math.ceil(graceMs / 100));
  const { stdout, stderr } = await runScript(login, scriptWith(stopScript, runId, folder, tenths), { extraMs: graceMs });
  if (stdout === 'already_gone' || stdout === 'graceful' || stdout === 'forced') return { stopped: stdout };
  throw new AdapterError(
    'ssh.stop_failed',
    `The work of run ${runId} on ${login.host} could not be stopped: ${stderr || stdout || 'no answer'}`,
  );
}

/** Folders of a run's attempts on the other host; empty when it never started there. */
export async function foldersOf(login: Login, runId: string): Promise<readonly string[]> {
  const { stdout } = await runScript(login, scriptWith(foldersScript, runId.replaceAll(/[^A-Za-z0-9_-]/g, '_')));
  return stdout === '' ? [] : stdout.split('\n');
}
