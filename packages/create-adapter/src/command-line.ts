import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createAdapterError, isCreateAdapterError } from './create-adapter-error.js';
import { type ProjectRequest, planProject } from './plan-project.js';
import { writeProject } from './write-project.js';

const usage = `Usage: npm create runbeat-adapter FOLDER [-- --name NAME --type TYPE]

Creates a Runbeat adapter that type-checks, runs and passes the conformance suite.

  FOLDER       where to create it; its name is the package's name
  --name NAME  npm name, when it differs (@acme/runbeat-adapter-foo)
  --type TYPE  the adapter's type on a server (default: the name without scope and 'runbeat-adapter-')
  --help
`;

export interface Surroundings {
  readonly workingFolder: string;
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
  /** Asks the person; null = nobody is there to answer (no terminal). */
  readonly ask: ((question: string) => Promise<string>) | null;
}

/** What the program `create-runbeat-adapter` does. Resolves with its exit code: 0, or 2 for a mistake of the user. */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const request = await requestFrom(args, surroundings);
    if (request === 'help') {
      surroundings.print(usage);
      return 0;
    }
    const plan = planProject(request);
    const files = writeProject(plan);
    surroundings.print(nextSteps(plan.name, plan.type, files.length, shownPath(surroundings.workingFolder, plan.folder)));
    return 0;
  } catch (error) {
    if (!isCreateAdapterError(error)) throw error;
    surroundings.printError(`${error.message}\n(${error.code})\n`);
    return 2;
  }
}

async function requestFrom(args: readonly string[], surroundings: Surroundings): Promise<ProjectRequest | 'help'> {
  const { values, positionals } = parsedArguments(args);
  if (values.help) return 'help';
  const [typed, ...more] = positionals;
  if (more.length > 0)
    throw createAdapterError('arguments_invalid', `One folder, please; this is too much: ${more.join(' ')}\n\n${usage}`);
  const folder = typed ?? (await askForFolder(surroundings));
  if (folder.trim() === '') throw createAdapterError('folder_missing', `The folder needs a name.\n\n${usage}`);
  return { folder: resolve(surroundings.workingFolder, folder.trim()), name: values.name ?? null, type: values.type ?? null };
}

function parsedArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { name: { type: 'string' }, type: { type: 'string' }, help: { type: 'boolean' } },
    });
  } catch (error) {
    throw createAdapterError('arguments_invalid', `${(error as Error).message}\n\n${usage}`, error);
  }
}

async function askForFolder({ ask }: Surroundings): Promise<string> {
  if (ask) return ask('Folder of the new adapter: ');
  throw createAdapterError('folder_missing', `Name the folder: there is no terminal to ask you in.\n\n${usage}`);
}

function shownPath(workingFolder: string, folder: string): string {
  const path = relative(workingFolder, folder);
  return path.startsWith('..') ? folder : path || '.';
}

function nextSteps(name: string, type: string, fileCount: number, folder: string): string {
  return [
    `Created ${name} (adapter type '${type}'): ${fileCount} files in ${folder}`,
    '',
    ...(folder === '.' ? [] : [`  cd ${folder}`]),
    '  npm install',
    '  npm test              # builds it and runs the conformance suite',
    '  npm run conformance   # the same as a readable report',
    '',
    'Then change src/run-command.ts to run what you want to run. README.md says what is where.',
    '',
  ].join('\n');
}
