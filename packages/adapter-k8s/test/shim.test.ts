import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeFrame, encodeFrame, type Frame, parseShimExit } from '../src/logs/frames.js';
import { shimProgram } from '../src/logs/shim-program.js';

let folder: string;
let shim: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runbeat-shim-'));
  shim = join(folder, 'shim.mjs');
  writeFileSync(shim, shimProgram);
  mkdirSync(join(folder, 'spool'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  RUNBEAT_SPOOL: join(folder, 'spool'),
  RUNBEAT_TERMINATION_LOG: join(folder, 'termination'),
});
const framesOf = (output: string): Frame[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => decodeFrame(line) as Frame);
const payload = (frames: Frame[], kind: string): Buffer =>
  Buffer.concat(frames.filter((frame) => frame.kind === kind).map((frame) => frame.payload));

function run(command: string[]): { frames: Frame[]; status: number | null; output: string } {
  const { stdout, status } = spawnSync('node', [shim, 'run', ...command], {
    env: environment(),
    encoding: 'latin1',
    maxBuffer: 2 ** 28,
  });
  return { frames: framesOf(stdout), status, output: stdout };
}

describe('the log shim', () => {
  test('frames every byte of both streams, numbers them without a hole, and tells the end', () => {
    const body = 'process.stdout.write("ä€😀".repeat(9999));process.stderr.write(Buffer.from([0xff,0,10]));process.exitCode=3';
    const { frames, status, output } = run(['node', '-e', body]);
    expect(status).toBe(3);
    expect(frames.map((frame) => frame.seq)).toEqual(frames.map((_, index) => index + 1));
    expect(payload(frames, 'o').toString()).toBe('ä€😀'.repeat(9999));
    expect([...payload(frames, 'e')]).toEqual([0xff, 0, 10]);
    for (const frame of frames.filter((each) => each.kind === 'o')) expect(frame.payload.toString()).not.toContain('\ufffd');
    const exit = parseShimExit(payload(frames, 'x').toString());
    expect(exit).toMatchObject({ code: 3, signal: null, seq: frames.length, startError: null });
    expect(parseShimExit(readFileSync(join(folder, 'termination'), 'utf8'))).toEqual(exit);
    expect(frames.map(encodeFrame).join('')).toBe(output);
  });

  test('replays any range from its spool', () => {
    rmSync(join(folder, 'spool'), { recursive: true });
    mkdirSync(join(folder, 'spool'));
    const { frames } = run(['node', '-e', 'for(let i=0;i<600;i++)process.stdout.write("x".repeat(8192))']);
    const { stdout } = spawnSync('node', [shim, 'replay', '500', '510'], { env: environment(), encoding: 'latin1' });
    expect(framesOf(stdout)).toEqual(frames.slice(499, 510));
  });

  test('a command that does not exist is told in the end, not in the output', () => {
    const { frames, status } = run(['/no/such/command']);
    expect(status).toBe(127);
    expect(parseShimExit(payload(frames, 'x').toString())?.startError).toContain('ENOENT');
  });

  test('hands signals on and waits for the work', async () => {
    const body = 'process.on("SIGTERM",()=>{console.log("got it");process.exit(5)});console.log("up");setInterval(()=>{},1e3)';
    const child = spawn('node', [shim, 'run', 'node', '-e', body], { env: environment() });
    let output = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      output += text;
      if (payload(framesOf(output.slice(0, output.lastIndexOf('\n') + 1)), 'o').toString() === 'up\n') child.kill('SIGTERM');
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(5);
    expect(payload(framesOf(output), 'o').toString()).toBe('up\ngot it\n');
  });
});
