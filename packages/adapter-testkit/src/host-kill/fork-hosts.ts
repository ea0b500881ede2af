import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { AdapterError, type RunHandleV1 } from '@runbeat/adapter-sdk';
import { programFile } from '../workload/program-file.js';
import type { DoomedHost, HostKillHarness, StoredOutput } from './host-kill-harness.js';
import type { HostAcknowledgement, HostMessage, HostTask } from './host-message.js';

type Answer = HostMessage & { kind: 'result' | 'liveness' | 'termination' };

/** One forked host and what it has stored so far. */
interface ForkedHost {
  readonly child: ChildProcess;
  readonly stored: StoredOutput[];
  readonly handle: Promise<RunHandleV1>;
  /** Rejects when the host ends without an answer; never unhandled. */
  readonly answer: Promise<Answer>;
  readonly exited: Promise<unknown>;
  onStored: () => void;
}

/**
 * Hosts in processes of their own, each with the adapter loaded anew from its built module. A host that executes may be
 * killed at any moment; the others know nothing but run id, config, the JSON handle and the stored cursor.
 */
export function forkHosts(adapterModule: string | URL): HostKillHarness {
  const specifier = adapterModule instanceof URL ? adapterModule.href : asUrl(adapterModule);
  const hosts = new Set<ForkedHost>();

  const begin = (task: Omit<HostTask, 'adapterModule'> & Pick<HostTask, 'kind'>): ForkedHost => {
    const host = startHost({ ...task, adapterModule: specifier } as HostTask);
    hosts.add(host);
    return host;
  };
  const answerOf = async <Kind extends Answer['kind']>(host: ForkedHost, kind: Kind): Promise<Answer & { kind: Kind }> => {
    const answer = await host.answer;
    await host.exited;
    if (answer.kind !== kind)
      throw new AdapterError('host_process_failed', `A forked host answered '${answer.kind}' where '${kind}' was asked.`);
    return answer as Answer & { kind: Kind };
  };

  return {
    async execute(options) {
      return doomedHost(begin({ kind: 'execute', ...options }));
    },
    async probe(target) {
      return (await answerOf(begin({ kind: 'probe', ...target }), 'liveness')).liveness;
    },
    async reattach(target) {
      const host = begin({ kind: 'reattach', ...target });
      const { result } = await answerOf(host, 'result');
      return { result, output: host.stored };
    },
    async terminate(target) {
      return (await answerOf(begin({ kind: 'terminate', ...target }), 'termination')).termination;
    },
    async close() {
      for (const { child } of hosts) child.kill('SIGKILL');
      await Promise.all([...hosts].map(({ exited }) => exited));
      hosts.clear();
    },
  };
}

function startHost(task: HostTask): ForkedHost {
  const child = fork(programFile('forked-host'), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4_096);
  });
  const stored: StoredOutput[] = [];
  let resolveHandle: (handle: RunHandleV1) => void = () => {};
  let rejectHandle: (error: unknown) => void = () => {};
  const handle = new Promise<RunHandleV1>((resolve, reject) => {
    resolveHandle = resolve;
    rejectHandle = reject;
  });
  const exited = once(child, 'exit');
  const answer = new Promise<Answer>((resolve, reject) => {
    const fail = (why: string): void => {
      const error = new AdapterError(
        'host_process_failed',
        `The forked host of run ${task.runId} (${task.kind}) ${why}${stderr ? `\n${stderr}` : ''}`,
      );
      reject(error);
      rejectHandle(error);
    };
    child.on('error', (error) => fail(`could not be started: ${error.message}`));
    child.on('exit', (code, signal) => fail(`ended without an answer (${signal ?? code}).`));
    child.on('message', (message: HostMessage) => {
      if (message.kind === 'error') return fail(`reports: ${message.message}`);
      if (message.kind === 'spawn') resolveHandle(message.handle);
      else if (message.kind === 'log')
        stored.push({ stream: message.stream, text: message.text, cursor: message.mark.cursor ?? null });
      else return resolve(message);
      const acknowledgement: HostAcknowledgement = { kind: 'stored', id: message.id };
      // It may have been killed between sending and here; what it sent is stored all the same.
      if (child.connected) child.send(acknowledgement, () => {});
      host.onStored();
    });
  });
  answer.catch(() => {});
  handle.catch(() => {});
  const host: ForkedHost = { child, stored, handle, answer, exited, onStored: () => {} };
  child.send(task);
  return host;
}

function doomedHost(host: ForkedHost): DoomedHost {
  return {
    handle: host.handle,
    stored: (isEnough) =>
      new Promise((resolve, reject) => {
        host.onStored = () => {
          if (isEnough(host.stored)) resolve();
        };
        host.onStored();
        host.answer.then(() => resolve(), reject);
      }),
    async kill() {
      host.child.kill('SIGKILL');
      await host.exited;
      return host.stored;
    },
  };
}

function asUrl(path: string): string {
  return path.startsWith('file:') ? path : pathToFileURL(path).href;
}
