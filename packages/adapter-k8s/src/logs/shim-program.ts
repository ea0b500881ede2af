/**
 * The log shim: PID 1 of a framed run, put into the image through the run's Secret and started by the image's own Node.
 * It runs on any Node from 14 on, has no dependency, and is tested by running it (test/shim.test.ts).
 *
 * `node shim.mjs run COMMAND ARGS…` spawns the command and frames its output; `node shim.mjs replay FROM TO` prints kept
 * frames of the spool again. Environment: RUNBEAT_SPOOL (folder), RUNBEAT_SPOOL_BYTES, RUNBEAT_TERMINATION_LOG.
 */
export const shimProgram = String.raw`import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const PAYLOAD = 8192;
const FILE_BYTES = 4 * 1024 * 1024;
const HEARTBEAT_MS = Number(process.env.RUNBEAT_HEARTBEAT_MS || 15000);
const spoolFolder = process.env.RUNBEAT_SPOOL;
const spoolLimit = Number(process.env.RUNBEAT_SPOOL_BYTES || 48 * 1024 * 1024);

function writeAll(fd, data) {
  let at = 0;
  while (at < data.length) {
    try {
      at += fs.writeSync(fd, data, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      // The pipe is full and does not block: wait for the node to read.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Bytes up to which no character is incomplete. */
function wholeEnd(bytes) {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back];
    if (byte >= 0x80 && byte < 0xc0) continue;
    const needed = byte >= 0xc2 && byte < 0xe0 ? 2 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xf0 && byte < 0xf5 ? 4 : 1;
    return needed > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function createSpool() {
  const files = [];
  let fd = -1;
  let size = 0;
  let isBroken = !spoolFolder;
  return (seq, line) => {
    if (isBroken) return;
    try {
      if (fd < 0 || size + line.length > FILE_BYTES) {
        if (fd >= 0) fs.closeSync(fd);
        const name = path.join(spoolFolder, String(seq).padStart(15, '0'));
        fd = fs.openSync(name, 'a', 0o600);
        size = 0;
        files.push(name);
        while (files.length * FILE_BYTES > spoolLimit && files.length > 1) fs.rmSync(files.shift(), { force: true });
      }
      fs.writeSync(fd, line);
      size += line.length;
    } catch {
      // A full or missing disk costs the gap repair, never the run.
      isBroken = true;
    }
  };
}

function run(command, args) {
  const spool = createSpool();
  let seq = 0;
  let lastFrameAt = Date.now();
  const bytes = { o: 0, e: 0 };
  const frame = (kind, payload) => {
    seq += 1;
    const line = Buffer.from('rb1 ' + seq + ' ' + kind + ' ' + payload.toString('base64') + '\n');
    spool(seq, line);
    writeAll(1, line);
    lastFrameAt = Date.now();
  };
  const output = (kind, data, isEnd) => {
    let from = 0;
    const end = isEnd ? data.length : wholeEnd(data);
    while (from < end) {
      let to = Math.min(end, from + PAYLOAD);
      if (to < end) to = from + (wholeEnd(data.subarray(from, to)) || PAYLOAD);
      frame(kind, data.subarray(from, to));
      bytes[kind] += to - from;
      from = to;
    }
    return data.subarray(end);
  };
  const heartbeat = setInterval(() => {
    if (Date.now() - lastFrameAt >= HEARTBEAT_MS) frame('h', Buffer.alloc(0));
  }, Math.max(10, Math.floor(HEARTBEAT_MS / 3)));

  frame('b', Buffer.from(JSON.stringify({ rb: 1, node: process.version })));
  const rest = { o: Buffer.alloc(0), e: Buffer.alloc(0) };
  let isOver = false;
  const finish = (code, signal, startError) => {
    if (isOver) return;
    isOver = true;
    clearInterval(heartbeat);
    for (const kind of ['o', 'e']) output(kind, rest[kind], true);
    const exit = { rb: 1, code, signal, seq: seq + 1, stdoutBytes: bytes.o, stderrBytes: bytes.e, startError };
    frame('x', Buffer.from(JSON.stringify(exit)));
    if (process.env.RUNBEAT_TERMINATION_LOG) {
      try {
        fs.writeFileSync(process.env.RUNBEAT_TERMINATION_LOG, JSON.stringify(exit));
      } catch {
        // The x frame in the log says the same.
      }
    }
    process.exit(code);
  };
  // What is the shim's is not the command's.
  const env = { ...process.env };
  for (const name of ['RUNBEAT_SPOOL', 'RUNBEAT_SPOOL_BYTES', 'RUNBEAT_TERMINATION_LOG', 'RUNBEAT_HEARTBEAT_MS']) delete env[name];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  for (const [kind, stream] of [['o', child.stdout], ['e', child.stderr]]) {
    stream.on('error', () => {});
    stream.on('data', (data) => {
      rest[kind] = output(kind, rest[kind].length === 0 ? data : Buffer.concat([rest[kind], data]), false);
    });
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => finish(error.code === 'ENOENT' ? 127 : 126, null, error.message));
  const numbers = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGTERM: 15 };
  const codeOf = (code, signal) => (code === null ? 128 + (numbers[signal] || 9) : code);
  child.on('close', (code, signal) => finish(codeOf(code, signal), signal, null));
  // A grandchild may hold the pipes for ever; the container ends with us.
  child.on('exit', (code, signal) => setTimeout(() => finish(codeOf(code, signal), signal, null), 2000));
}

function replay(from, to) {
  const names = fs.readdirSync(spoolFolder).sort();
  for (let index = 0; index < names.length; index += 1) {
    const next = names[index + 1];
    if (Number(names[index]) > to || (next !== undefined && Number(next) <= from)) continue;
    for (const line of fs.readFileSync(path.join(spoolFolder, names[index]), 'latin1').split('\n')) {
      const seq = Number(line.split(' ')[1]);
      if (seq >= from && seq <= to) writeAll(1, Buffer.from(line + '\n', 'latin1'));
    }
  }
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'replay') replay(Number(rest[0]), Number(rest[1]));
else run(rest[0], rest.slice(1));
`;
