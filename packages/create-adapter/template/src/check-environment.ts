import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, resolve } from 'node:path';
import { type EnvironmentReportV1, type TestContextV1, workloadEnvironment } from '@runbeat/adapter-sdk';
import type { Config } from './config.js';

/** Called by `runbeat agents test`: could an agent with this config run here? */
export async function testEnvironment(context: TestContextV1<Config>): Promise<EnvironmentReportV1> {
  const { command, env } = context.config;
  const path = await locate(command, workloadEnvironment(context, env)['PATH'] ?? '');
  if (path !== null) return { checks: [{ code: 'command_found', level: 'ok', message: `${command} is ${path}.` }] };
  return {
    checks: [
      {
        code: 'command_missing',
        level: 'error',
        message: `${command} is not on this machine, or may not be run.`,
        hint: 'Install it, or give its full path as command.',
      },
    ],
  };
}

async function locate(command: string, searchPath: string): Promise<string | null> {
  const candidates =
    isAbsolute(command) || command.includes('/')
      ? [resolve(command)]
      : searchPath.split(delimiter).map((folder) => resolve(folder, command));
  for (const candidate of candidates) {
    const isExecutable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return candidate;
  }
  return null;
}
