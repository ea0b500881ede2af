// A host in a process of its own: loads the adapter, does one task, and is made to be killed in the middle. What it
// "stores" is what the test has acknowledged, so that text and cursor are stored in one step.
import { type AdapterV1, InternalError, parseAdapterConfig } from '@runbeat/adapter-sdk';
import { createRecordingContext } from '../context/recording-context.js';
import { loadAdapter } from '../report/load-adapter.js';
import type { HostAcknowledgement, HostMessage, HostTask } from './host-message.js';

const waiting = new Map<number, () => void>();
let nextId = 1;

function send(message: HostMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!process.send) return reject(new InternalError('forked-host is started by the conformance kit, not by hand.'));
    process.send(message, undefined, {}, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}

/** Resolves when the test has stored the message. */
function store(message: (id: number) => HostMessage): Promise<void> {
  const id = nextId;
  nextId += 1;
  const stored = new Promise<void>((resolve) => waiting.set(id, resolve));
  return send(message(id)).then(() => stored);
}

async function perform(task: HostTask): Promise<HostMessage> {
  const adapter = await loadAdapter(task.adapterModule);
  const parsed = await parseAdapterConfig(adapter, task.rawConfig);
  if (!parsed.ok) throw new InternalError(`The config was refused: ${JSON.stringify(parsed.issues)}`);
  const recording = createRecordingContext<unknown>({
    config: parsed.value,
    runId: task.runId,
    onSpawn: (handle) => store((id) => ({ kind: 'spawn', id, handle })),
    onLog: ({ stream, text, mark }) => store((id) => ({ kind: 'log', id, stream, text, mark })),
  });
  if (task.kind === 'execute') return { kind: 'result', result: await recording.execute(adapter) };
  if (task.kind === 'reattach') return { kind: 'result', result: await recording.reattach(adapter, task) };
  return ask(adapter, task, parsed.value);
}

async function ask(adapter: AdapterV1, task: HostTask & { kind: 'probe' | 'terminate' }, config: unknown): Promise<HostMessage> {
  const { outOfProcess } = adapter;
  const { runId, handle } = task;
  const signal = AbortSignal.timeout(20_000);
  if (task.kind === 'terminate' && outOfProcess) {
    return { kind: 'termination', termination: await outOfProcess.terminate({ runId, handle, config, reason: 'lost', signal }) };
  }
  if (outOfProcess?.kind !== 'handle') throw new InternalError('Only an adapter of kind "handle" can be probed.');
  return { kind: 'liveness', liveness: await outOfProcess.probe({ runId, handle, config, signal }) };
}

process.on('message', (message: HostTask | HostAcknowledgement) => {
  if (message.kind === 'stored') {
    waiting.get(message.id)?.();
    waiting.delete(message.id);
    return;
  }
  perform(message)
    .catch(
      (error: unknown): HostMessage => ({
        kind: 'error',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    )
    .then(send)
    .then(
      () => process.disconnect(),
      // The test is gone; so is the reason to be here.
      () => process.exit(1),
    );
});
// The test ended without killing this host: nobody is left to store anything.
process.on('disconnect', () => process.exit());
