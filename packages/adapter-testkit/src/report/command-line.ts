import { parseArgs } from 'node:util';
import { type AdapterV1, isAdapterError } from '@runbeat/adapter-sdk';
import { loadAdapter } from './load-adapter.js';
import { summaryText, verdictText } from './report-text.js';
import { resolveAdapter } from './resolve-adapter.js';
import { type ConformanceVerdict, runConformance } from './run-conformance.js';
import { readScriptsFile } from './scripts-file.js';

const usage = `Usage: runbeat-adapter-testkit <package or path> [--config FILE] [--json]

Runs the conformance suite of adapter-v1 against an adapter package.

  --config FILE  configs for the kit's behaviours (default: conformance.config.js|mjs|json in the adapter's folder)
  --json         print the verdicts as JSON, for programs
  --help

Exit code: 0 = all tests pass, 1 = a test fails, 2 = the suite could not be run.
`;

export interface Output {
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
}

/** What the program `runbeat-adapter-testkit` does. Resolves with its exit code, never rejects for the user's mistakes. */
export async function runCommandLine(args: readonly string[], workingFolder: string, output: Output): Promise<number> {
  const options = parsedArguments(args);
  if (typeof options === 'string') {
    output.printError(`${options}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    output.print(usage);
    return 0;
  }
  try {
    const verdicts = await judge(options, workingFolder, options.json ? null : output);
    if (options.json) output.print(`${JSON.stringify({ verdicts }, null, 2)}\n`);
    else output.print(summaryText(verdicts));
    return verdicts.every(({ failure }) => failure === null) ? 0 : 1;
  } catch (error) {
    if (!isAdapterError(error)) throw error;
    output.printError(`${error.message}\n(${error.code})\n`);
    return 2;
  }
}

interface Options {
  readonly adapter: string;
  readonly config: string | null;
  readonly json: boolean;
  readonly help: boolean;
}

/** A text is what is wrong with the arguments. */
function parsedArguments(args: readonly string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const [adapter, ...more] = positionals;
    if (!values.help && adapter === undefined) return 'Name the package or the path of the adapter.';
    if (more.length > 0) return `One adapter at a time; this is too much: ${more.join(' ')}`;
    return { adapter: adapter ?? '', config: values.config ?? null, json: values.json, help: values.help };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function judge(options: Options, workingFolder: string, progress: Output | null): Promise<readonly ConformanceVerdict[]> {
  const { moduleUrl, folder } = resolveAdapter(options.adapter, workingFolder);
  const adapter = await loadAdapter(moduleUrl);
  const scriptsFile = await readScriptsFile(folder, options.config);
  progress?.print(`${adapter.type} (${describe(adapter)}), ${moduleUrl}\n\n`);
  return runConformance({
    ...scriptsFile,
    createAdapter: () => adapter,
    adapterModule: moduleUrl,
    onVerdict: (verdict) => progress?.print(verdictText(verdict)),
  });
}

function describe({ specVersion, outOfProcess, interactive }: AdapterV1): string {
  const liveness = outOfProcess === undefined ? 'attached' : `out of process, ${outOfProcess.kind}`;
  return `${specVersion}, ${liveness}${interactive === undefined ? '' : ', interactive'}`;
}
