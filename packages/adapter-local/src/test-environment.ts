import { execFile } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { type EnvironmentCheckV1, type EnvironmentReportV1, type TestContextV1, workloadEnvironment } from '@runbeat/adapter-sdk';
import { directoryProblem, lookUpCommand } from './command-lookup.js';
import type { LocalAttachedConfig, LocalConfig } from './config.js';
import { presetOf, resultSpec } from './spec-from-config.js';

const run = promisify(execFile);
const versionTimeoutMs = 10_000;

/**
 * Whether a run could start here: working directory, command, for presets the CLI's version, and the folder of runs.
 * @param runsDirectory null for adapters that keep nothing on disk.
 */
export async function testLocalEnvironment(
  context: TestContextV1<LocalConfig | LocalAttachedConfig>,
  runsDirectory: string | null,
): Promise<EnvironmentReportV1> {
  const spec = resultSpec(context.config);
  const preset = presetOf(context.config);
  const cwd = spec.cwd ?? process.cwd();
  const environment = workloadEnvironment(context, spec.env);
  const checks: EnvironmentCheckV1[] = [];
  const cwdProblem = directoryProblem(cwd);
  checks.push(
    cwdProblem === null
      ? { code: 'cwd', level: 'ok', message: `The working directory is ${cwd}.` }
      : { code: 'cwd', level: 'error', message: cwdProblem, hint: 'Correct cwd in the agent’s config.' },
  );
  if (cwdProblem === null) {
    const command = lookUpCommand({ command: spec.command, cwd, environment });
    if (!command.found) {
      const hint = preset?.installHint ?? 'Install the program, give its full path, or set PATH in env.';
      checks.push({ code: command.code, level: 'error', message: command.message, hint });
    } else {
      checks.push({ code: 'command', level: 'ok', message: `${spec.command} is ${command.path}.` });
      // Only a known CLI is run for its version: what another program does with `--version` is anybody's guess.
      if (preset !== null) checks.push(await versionCheck(command.path, { cwd, environment, signal: context.signal }));
    }
  }
  if (runsDirectory !== null) checks.push(runsCheck(runsDirectory));
  return { checks };
}

async function versionCheck(
  path: string,
  place: { readonly cwd: string; readonly environment: Record<string, string>; readonly signal: AbortSignal },
): Promise<EnvironmentCheckV1> {
  try {
    const { stdout } = await run(path, ['--version'], {
      cwd: place.cwd,
      env: place.environment,
      signal: place.signal,
      timeout: versionTimeoutMs,
    });
    return { code: 'version', level: 'ok', message: `Version: ${stdout.trim().split('\n')[0] ?? 'not told'}.` };
  } catch (error) {
    return {
      code: 'version',
      level: 'warn',
      message: `${path} --version failed: ${(error as Error).message.split('\n')[0]}`,
      hint: 'Run it by hand in a terminal; it may have to be set up or signed in first.',
    };
  }
}

function runsCheck(runsDirectory: string): EnvironmentCheckV1 {
  try {
    mkdirSync(runsDirectory, { recursive: true, mode: 0o700 });
    accessSync(runsDirectory, constants.W_OK | constants.X_OK);
    return { code: 'runs_directory', level: 'ok', message: `Runs are kept in ${runsDirectory}.` };
  } catch (error) {
    return {
      code: 'runs_directory',
      level: 'error',
      message: `The folder for runs, ${runsDirectory}, cannot be written: ${(error as Error).message}`,
      hint: 'Set RUNBEAT_HOME to a folder that this user may write.',
    };
  }
}
