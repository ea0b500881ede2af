import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A `qwen` program for the PATH: prints the JSON lines of a session as the real one does with `--output-format
 * stream-json`, and its arguments. A prompt that contains `work for ever` starts a descendant that ignores SIGTERM and
 * works on; the descendant's pid is printed.
 */
export async function writeFakeQwen(parent: string): Promise<{ binFolder: string }> {
  const binFolder = join(parent, 'bin');
  await mkdir(binFolder, { recursive: true });
  const program = join(binFolder, 'qwen');
  await writeFile(program, `#!${process.execPath}\n${text}`);
  await chmod(program, 0o755);
  return { binFolder };
}

const text = `
const { spawn } = require('node:child_process');
const args = process.argv.slice(2);
const resumed = args.includes('--resume') ? args[args.indexOf('--resume') + 1] : null;
const prompt = args.at(-1);
const session_id = resumed ?? 'session-1';
const say = (line) => process.stdout.write(JSON.stringify(line) + '\\n');
say({ type: 'system', subtype: 'init', session_id, args, runId: process.env.RUNBEAT_RUN_ID });
if (prompt.includes('work for ever')) {
  const stubborn = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); process.stdout.write("ready\\\\n");';
  const child = spawn(process.execPath, ['-e', stubborn], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.once('data', () => say({ type: 'assistant', session_id, message: { content: 'descendant ' + child.pid } }));
  setInterval(() => {}, 1000);
} else {
  say({ type: 'assistant', session_id, message: { content: [{ type: 'text', text: 'I did: ' + prompt }] } });
  say({
    type: 'result', subtype: 'success', session_id, result: 'done', total_cost_usd: 0.125,
    usage: { input_tokens: 11, output_tokens: 7, cached_input_tokens: 3 },
  });
}
`;
