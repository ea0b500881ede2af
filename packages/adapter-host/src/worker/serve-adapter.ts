import type { MessagePort } from 'node:worker_threads';
import { type AdapterV1, assertNever, type ExecuteContextV1, type ReattachContextV1 } from '@runbeat/adapter-sdk';
import { z } from 'zod';
import { hostError } from '../adapter-host-error.js';
import { runSinks } from './call-contexts.js';
import { configFromWire, validateConfig } from './config-on-wire.js';
import { hostMessage, type WorkerMessage } from './messages.js';
import { createReportChannel } from './report-channel.js';
import { createSessionHost, type SessionHost } from './session-host.js';
import { abortFromWire } from './wire-abort.js';
import { errorFromWire, wireErrorFrom } from './wire-error.js';
import type { CallMessage, WorkerCall } from './worker-call.js';

/** Answers the host's calls with the adapter, until the port closes. The only reader and writer of the port. */
export function serveAdapter(port: MessagePort, adapter: AdapterV1): void {
  const calls = new Map<number, WorkerCall>();
  const post = (message: WorkerMessage): void => port.postMessage(message);
  const sessions = createSessionHost(adapter, {
    post,
    /** A session's call goes on after `open` has answered: its outputs are reports of that call. */
    forget: (callId) => calls.delete(callId),
  });

  const settle = (callId: number, outcome: Extract<WorkerMessage, { type: 'settled' }>['outcome']): void => {
    try {
      post({ type: 'settled', callId, outcome });
    } catch (cause) {
      // A function or a class with private state inside the answer: it cannot cross the border.
      const message = `The adapter answered with a value that cannot be copied (${String(cause)}). Answer with plain JSON.`;
      post({
        type: 'settled',
        callId,
        outcome: { error: wireErrorFrom(hostError('adapter_result_invalid', message, { cause })) },
      });
    }
  };

  const runCall = async (message: CallMessage): Promise<void> => {
    const { callId } = message;
    const channel = createReportChannel((first, entries) => post({ type: 'report', callId, first, entries: [...entries] }));
    const call: WorkerCall = { message, controller: new AbortController(), channel };
    calls.set(callId, call);
    if (message.abort) call.controller.abort(abortFromWire(message.abort));
    try {
      const value = await perform(adapter, sessions, call);
      if (!sessions.isOpen(callId)) await channel.drain();
      settle(callId, { value });
    } catch (error) {
      // The adapter's own error is the one to tell; logs that the host refused come second.
      await channel.drain().catch(() => undefined);
      settle(callId, { error: wireErrorFrom(error) });
    } finally {
      if (!sessions.isOpen(callId)) calls.delete(callId);
    }
  };

  // Runs on `process.exit` and after an error that nobody caught; what the adapter logged before is sent on.
  process.on('exit', () => {
    for (const call of calls.values()) call.channel.flushLast();
  });

  port.on('message', (raw: unknown) => {
    const message = hostMessage.parse(raw);
    switch (message.type) {
      case 'call':
        void runCall(message);
        return;
      case 'abort':
        calls.get(message.callId)?.controller.abort(abortFromWire(message.reason));
        return;
      case 'acknowledge':
        calls.get(message.callId)?.channel.acknowledge(message.upTo, message.error && errorFromWire(message.error));
        return;
      case 'ping': {
        const { external } = process.memoryUsage();
        post({ type: 'pong', sequence: message.sequence, externalBytes: external });
        return;
      }
      default:
        assertNever(message, 'message of the host');
    }
  });
}

async function perform(adapter: AdapterV1, sessions: SessionHost, call: WorkerCall): Promise<unknown> {
  const { method, params } = call.message;
  if (method === 'validate') return await validateConfig(adapter, params['value']);
  const context = async (): Promise<Record<string, unknown>> => ({
    ...params,
    config: await configFromWire(adapter, params['config']),
    signal: call.controller.signal,
  });
  switch (method) {
    case 'execute':
      return await adapter.execute({ ...(await context()), ...runSinks(call.channel) } as unknown as ExecuteContextV1);
    case 'test-environment':
      return await adapter.testEnvironment?.((await context()) as never);
    case 'terminate':
      return await outOfProcess(adapter).terminate((await context()) as never);
    case 'probe':
      return await handleLiveness(adapter).probe((await context()) as never);
    case 'reattach': {
      const { onLog, onAlive, onEvent } = runSinks(call.channel);
      const sinks = { onLog, onAlive, onEvent };
      return await handleLiveness(adapter).reattach({ ...(await context()), ...sinks } as unknown as ReattachContextV1);
    }
    case 'session-open':
    case 'session-reattach':
      return await sessions.open(call, await context());
    case 'session-prompt':
    case 'session-cancel':
    case 'session-answer':
    case 'session-stop':
      return await sessions.command(method, z.looseObject({ session: z.number() }).parse(params));
    default:
      return assertNever(method, 'method');
  }
}

function outOfProcess(adapter: AdapterV1) {
  if (adapter.hasOutOfProcessLiveness) return adapter.outOfProcess;
  throw hostError(
    'adapter_invalid',
    `The adapter ${adapter.type} has no out-of-process liveness; nothing of that kind may be asked.`,
  );
}

function handleLiveness(adapter: AdapterV1) {
  const liveness = outOfProcess(adapter);
  if (liveness.kind === 'handle') return liveness;
  throw hostError('adapter_invalid', `The adapter ${adapter.type} is log-driven: it has neither probe nor reattach.`);
}
