import { MessagePort, parentPort, workerData as rawWorkerData } from 'node:worker_threads';
import { InternalError } from '@runbeat/adapter-sdk';
import { adapterFromModule } from '../load/adapter-from-module.js';
import { describeAdapter } from '../load/describe-adapter.js';
import { captureOutput } from './capture-output.js';
import type { WorkerMessage } from './messages.js';
import { serveAdapter } from './serve-adapter.js';
import { wireErrorFrom } from './wire-error.js';
import { workerData } from './worker-data.js';

// What a worker thread starts with: wait for the port, load the adapter, say what it is, then answer calls.

async function start(port: MessagePort): Promise<void> {
  const { candidates, options, lifters, outputPending } = workerData.parse(rawWorkerData);
  const post = (message: WorkerMessage): void => port.postMessage(message);
  captureOutput((stream, text) => post({ type: 'output', stream, text }), outputPending);
  try {
    const adapter = await adapterFromModule({ candidates, options, lifters });
    const description = describeAdapter(adapter);
    serveAdapter(port, adapter);
    post({ type: 'loaded', description });
  } catch (error) {
    post({ type: 'load-failed', error: wireErrorFrom(error) });
  }
}

parentPort?.once('message', (port: unknown) => {
  if (!(port instanceof MessagePort)) throw new InternalError('The first message to an adapter worker must be its port.');
  void start(port);
});
