import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunner, type Runner, type RunnerOptions } from '@runbeat/runner';
import { patience } from '../../harness/processes.js';
import { startTcpGate, type TcpGate } from './fault-proxy.js';
import { type LightServer, startLightServer } from './light-server.js';
import { scriptedAdapter } from './scripted-adapter.js';

/** Deadlines that make a test quick. The server tells its own with `quickSettings`. */
export const quickRunner = {
  requestGraceMs: 400,
  connectTimeoutMs: 400,
  firstRetryMs: 25,
  backoffMinMs: 25,
  backoffMaxMs: 200,
  rejectedRetryMs: 200,
  logGatherMs: 5,
  jobRetryMinMs: 10,
  jobRetryMaxMs: 100,
  probeRetryMs: 50,
  healthWriteMs: 200,
} as const;

export interface LightBench {
  readonly server: LightServer;
  readonly gate: TcpGate;
  readonly executions: Map<string, number>;
  home(): Promise<string>;
  /** Reaches the server through the gate. */
  runner(options?: Partial<RunnerOptions>): Promise<Runner & { readonly home: string; readonly log: string[] }>;
  close(): Promise<void>;
}

/** A server, a gate before it, and runners that are stopped at the end of the test. */
export async function openLightBench(settings?: Parameters<typeof startLightServer>[0]): Promise<LightBench> {
  const server = await startLightServer(settings);
  const gate = await startTcpGate(() => server.port);
  const executions = new Map<string, number>();
  const cleanups: (() => Promise<unknown>)[] = [];
  const home = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), 'runbeat-runner-'));
    cleanups.push(() => rm(path, { recursive: true, force: true }));
    return path;
  };
  return {
    server,
    gate,
    executions,
    home,
    async runner(options = {}) {
      const folder = options.home ?? (await home());
      const log: string[] = [];
      const write =
        (level: string) =>
        (fields: object, message: string): void =>
          void log.push(`${level} ${message} ${JSON.stringify(fields)}`);
      const runner = createRunner({
        serverUrl: gate.url,
        adapters: [scriptedAdapter(executions)],
        labels: ['test'],
        logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
        ...options,
        home: folder,
        settings: { ...quickRunner, stopGraceMs: 2_000, ...options.settings },
      });
      cleanups.push(() => runner.stop());
      await runner.start();
      return Object.assign(runner, { home: folder, log });
    },
    async close() {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      await gate.close();
      await server.close();
    },
  };
}

/** How long it took until `condition` held. */
export async function timeUntil(condition: () => boolean, ceilingMs = 30_000): Promise<number> {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > ceilingMs * patience)
      throw new Error(`${condition.toString()} did not hold within ${ceilingMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - startMs;
}
