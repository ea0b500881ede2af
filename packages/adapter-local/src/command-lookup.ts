import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

export type CommandLookup =
  | { readonly found: true; readonly path: string }
  /** `message` says what was tried and how to mend it. */
  | {
      readonly found: false;
      readonly code: 'cwd_unusable' | 'command_missing' | 'command_not_executable';
      readonly message: string;
    };

export interface CommandPlace {
  readonly command: string;
  readonly cwd: string;
  /** The workload's environment; its `PATH` is searched. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Finds what a command name means, before anything is started, so that the mistake can be named. POSIX only. */
export function lookUpCommand(place: CommandPlace): CommandLookup {
  const cwdProblem = directoryProblem(place.cwd);
  if (cwdProblem !== null) return { found: false, code: 'cwd_unusable', message: cwdProblem };
  if (place.command.includes('/')) return judge(place.command, resolve(place.cwd, place.command));
  const directories = (place.environment['PATH'] ?? '').split(delimiter).filter((path) => path !== '');
  let isThere = false;
  for (const directory of directories) {
    const path = isAbsolute(directory) ? join(directory, place.command) : resolve(place.cwd, directory, place.command);
    const state = fileState(path);
    if (state === 'executable') return withInterpreter(path);
    isThere ||= state === 'not_executable';
  }
  const name = JSON.stringify(place.command);
  if (isThere) {
    const message = `${name} is on PATH but not executable. Make it executable with chmod +x.`;
    return { found: false, code: 'command_not_executable', message };
  }
  const searched = directories.length > 0 ? `PATH (${directories.join(delimiter)})` : 'PATH, which is empty';
  const message = `The command ${name} was not found on ${searched}. Install it, give its full path, or set PATH in env.`;
  return { found: false, code: 'command_missing', message };
}

/** Why a command cannot run in this directory; null = it can. */
export function directoryProblem(path: string): string | null {
  const name = JSON.stringify(path);
  try {
    if (!statSync(path).isDirectory()) return `The working directory ${name} is not a directory. Correct cwd.`;
    accessSync(path, constants.R_OK | constants.X_OK);
    return null;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return `The working directory ${name} does not exist. Create it, or correct cwd.`;
    return `The working directory ${name} cannot be used (${code}). Give this user the right to read and enter it, or correct cwd.`;
  }
}

function judge(command: string, path: string): CommandLookup {
  const name = JSON.stringify(command);
  switch (fileState(path)) {
    case 'executable':
      return withInterpreter(path);
    case 'not_executable': {
      const message = `${name} is not an executable file. Make it executable with chmod +x, or name its interpreter as the command.`;
      return { found: false, code: 'command_not_executable', message };
    }
    case 'missing': {
      const message = `The command ${name} does not exist (looked at ${path}). Correct the path; relative ones start at cwd.`;
      return { found: false, code: 'command_missing', message };
    }
  }
}

/** A script is only as good as the interpreter that its first line names; shells differ in how they report a missing one. */
function withInterpreter(path: string): CommandLookup {
  const interpreter = interpreterOf(path);
  if (interpreter === null || existsSync(interpreter)) return { found: true, path };
  const message = `The first line of ${JSON.stringify(path)} names the interpreter ${interpreter}, which does not exist. Install it, or correct the line.`;
  return { found: false, code: 'command_not_executable', message };
}

function interpreterOf(path: string): string | null {
  const start = Buffer.alloc(256);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    // Executable but not readable: no script then, since its interpreter could not read it either.
    return null;
  }
  try {
    const count = readSync(fd, start);
    return /^#!\s*(\S+)/.exec(start.toString('latin1', 0, count))?.[1] ?? null;
  } finally {
    closeSync(fd);
  }
}

function fileState(path: string): 'executable' | 'not_executable' | 'missing' {
  try {
    if (!statSync(path).isFile()) return 'not_executable';
  } catch {
    return 'missing';
  }
  try {
    accessSync(path, constants.X_OK);
    return 'executable';
  } catch {
    return 'not_executable';
  }
}
