import { spawn } from 'node:child_process';
import { once } from 'node:events';

// What the benchmark of the adapter host runs, in-process and in a worker: hands on text as a careful adapter does.
export default {
  specVersion: 'adapter-v1',
  type: 'bench',
  configSchema: { '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) } },
  hasOutOfProcessLiveness: false,
  async execute(context) {
    const { pieces, text } = context.config;
    await context.onSpawn({ kind: 'external', formatVersion: 1, ref: null });
    if (context.config.bytes) return await copyOutput(context);
    for (let n = 0; n < pieces; n += 1) await context.onLog('stdout', text, { cursor: String(n) });
    return { status: 'succeeded' };
  },
};

/** A real adapter's work: reads what a program prints, decodes it and hands it on with the offset as cursor. */
async function copyOutput({ config, onLog }) {
  const line = 'a line of output as programs print it, about one hundred characters long, with a number at the end 42';
  const child = spawn('sh', ['-c', `yes '${line}' | head -c ${config.bytes}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const decoder = new TextDecoder('utf-8');
  let offset = 0;
  for await (const chunk of child.stdout) {
    offset += chunk.length;
    await onLog('stdout', decoder.decode(chunk, { stream: true }), { cursor: String(offset) });
  }
  await ended;
  return { status: 'succeeded' };
}
