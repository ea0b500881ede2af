import {
  type AnyMessage,
  client,
  type InitializeResponse,
  methods,
  type NewSessionRequest,
  PROTOCOL_VERSION,
} from '@agentclientprotocol/sdk';
import { AdapterError, type Json, type SessionWriteV1 } from '@runbeat/adapter-sdk';

/** The official SDK's side of an ACP conversation: opens it, and answers what no person is asked. */
export interface AcpConnection {
  /** One message of the agent that the conversation itself has no use for. */
  receive(line: string): void;
  /**
   * Greets the agent and opens a session, an earlier one where the agent can.
   * @returns the protocol's session id.
   * @throws AdapterError `start_failed` when the agent refuses.
   */
  open(options: { readonly cwd: string; readonly earlierSessionId: string | null }): Promise<string>;
  close(): void;
}

/** @param send writes one line to the agent. When it cannot be written, whatever waits for an answer fails at once. */
export function createAcpConnection(send: (line: string) => Promise<SessionWriteV1>): AcpConnection {
  let incoming: ReadableStreamDefaultController<AnyMessage> | null = null;
  const connection = client({ name: 'runbeat' }).connect({
    readable: new ReadableStream<AnyMessage>({
      start(controller) {
        incoming = controller;
      },
    }),
    writable: new WritableStream<AnyMessage>({
      async write(message) {
        const written = await send(JSON.stringify(message));
        if (!written.written) connection.close(new AdapterError('stdin_broken', written.message));
      },
    }),
  });
  const { agent } = connection;

  const openSession = async (
    cwd: string,
    earlierSessionId: string | null,
    { agentCapabilities }: InitializeResponse,
  ): Promise<string> => {
    const request: NewSessionRequest = { cwd, mcpServers: [] };
    if (earlierSessionId !== null && agentCapabilities?.sessionCapabilities?.resume) {
      await agent.request(methods.agent.session.resume, { ...request, sessionId: earlierSessionId });
      return earlierSessionId;
    }
    if (earlierSessionId !== null && agentCapabilities?.loadSession === true) {
      // The agent repeats the conversation as updates here; the host has them in its journal and they are left out.
      await agent.request(methods.agent.session.load, { ...request, sessionId: earlierSessionId });
      return earlierSessionId;
    }
    return (await agent.request(methods.agent.session.new, request)).sessionId;
  };

  return {
    receive(line) {
      incoming?.enqueue(JSON.parse(line) as AnyMessage);
    },
    async open({ cwd, earlierSessionId }) {
      let signIn = '';
      try {
        const greeting = await agent.request(methods.agent.initialize, {
          protocolVersion: PROTOCOL_VERSION,
          clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
          clientInfo: { name: 'runbeat', version: '1' },
        });
        if (greeting.protocolVersion !== PROTOCOL_VERSION) {
          const message = `The agent speaks version ${greeting.protocolVersion} of the Agent Client Protocol, Runbeat speaks ${PROTOCOL_VERSION}.`;
          throw new AdapterError('start_failed', message);
        }
        signIn = (greeting.authMethods ?? []).map(({ name }) => name).join(', ');
        return await openSession(cwd, earlierSessionId, greeting);
      } catch (error) {
        const hint = signIn === '' ? '' : ` The agent may want to be signed in first (${signIn}).`;
        throw new AdapterError('start_failed', `The agent did not open a session: ${reasonOf(error)}.${hint}`, { cause: error });
      }
    },
    close: () => connection.close(),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}

/** What an earlier worker gave as `resumeState`; null for anything else. */
export function acpSessionIdOf(resumeState: Json): string | null {
  if (typeof resumeState !== 'object' || resumeState === null || !('acpSessionId' in resumeState)) return null;
  return typeof resumeState['acpSessionId'] === 'string' ? resumeState['acpSessionId'] : null;
}
