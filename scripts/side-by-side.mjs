// Runs work on several items, a few at a time, and tells of the programs it starts. For the check scripts.
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** Calls `work` once per item, at most `limit` at the same time; rejects with the first error when all have ended. */
export async function sideBySide(items, limit, work) {
  const waiting = [...items];
  const errors = [];
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await work(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, lane));
  if (errors.length > 0) throw errors[0];
}

/** Runs a program to its end. `code` is the exit code or the signal; `stdout` and `stderr` are apart, `output` is both. */
export function runProgram(command, args, { limitMs = 0, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const timer = limitMs > 0 ? setTimeout(() => child.kill('SIGKILL'), limitMs) : undefined;
    const said = { stdout: '', stderr: '', output: '' };
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', (text) => {
        said[stream] += text;
        said.output += text;
      });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? signal, seconds: (performance.now() - startedMs) / 1_000, ...said });
    });
  });
}
