// The program behind `commandScripts`: behaves as its first argument says. Plain Node, no import of the kit's other
// parts but the texts, so that it starts fast.
import { spawn } from 'node:child_process';
import { splitMultibyteText, tenMebibytes } from './expected-output.js';

/** A run that nobody stops ends by itself at last, so that a broken adapter leaves nothing behind for ever. */
const lifetimeMs = 300_000;

function runForever(): void {
  setTimeout(() => process.exit(99), lifetimeMs);
}

function write(text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())));
}

const ready = (): Promise<void> => write(`ready ${process.pid}\n`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const behaviours: Record<string, () => Promise<void>> = {
  async exit0() {
    await ready();
  },
  async exit3() {
    await ready();
    await pause(500);
    process.exitCode = 3;
  },
  async runForever() {
    await ready();
    runForever();
  },
  async ignoreSigterm() {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
    await ready();
    runForever();
  },
  async write10MiB() {
    await write(tenMebibytes());
  },
  async splitMultibyte() {
    for (const byte of Buffer.from(splitMultibyteText)) {
      await write(Uint8Array.of(byte));
      await pause(2);
    }
  },
  async spawnGrandchild() {
    // In a session of its own, with its own group: a signal to the run's group does not reach it.
    const program = `process.on('SIGTERM', () => {}); setTimeout(() => process.exit(99), ${lifetimeMs}); process.stdout.write('up')`;
    const grandchild = spawn(process.execPath, ['-e', program], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => grandchild.stdout.once('data', resolve));
    grandchild.stdout.destroy();
    grandchild.unref();
    await write(`grandchild ${grandchild.pid}\n`);
    await ready();
    runForever();
  },
};

const behaviour = behaviours[process.argv[2] ?? ''];
if (behaviour) {
  await behaviour();
} else {
  process.stderr.write(`Unknown behaviour '${process.argv[2]}'. Known: ${Object.keys(behaviours).join(', ')}.\n`);
  process.exitCode = 64;
}
