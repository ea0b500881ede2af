import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRun, isRealCluster, openCluster, script, type TestCluster } from './cluster.js';
import { orphanInstance } from './kubectl.js';

// `npm run test:k8s` runs these cases; with KUBECONFIG on that cluster, else on the simulator. See docs/kubernetes.md.
// Titles that end in "(simulator only)" need something that no user of the documented Role can bring about.
const onSimulator = test.skipIf(isRealCluster);

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await openCluster();
}, 60_000);
afterAll(() => cluster?.close(), 120_000);

const tick = (count: number, ms: number): string =>
  `let i=0;const t=setInterval(()=>{console.log("line "+(++i));if(i>=${count}){clearInterval(t)}},${ms});`;
const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join('');

describe.concurrent('a run on Kubernetes', { timeout: 120_000 }, () => {
  test('K1 plain: output is delivered once and in order, the run succeeds', async () => {
    const run = createRun(cluster.config(script(tick(20, 20))));
    expect(await cluster.adapter().execute(run.context)).toEqual({ status: 'succeeded' });
    expect(run.text()).toBe(lines(20));
  });

  test('K2 framed: stdout and stderr are told apart, bytes and exit code are exact', async () => {
    const body = 'process.stdout.write("å".repeat(9000)+"|no newline");process.stderr.write("err\\n");process.exitCode=3';
    const run = createRun(cluster.config({ ...script(body), nodePath: 'node' }));
    const result = await cluster.adapter().execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'exit_nonzero', exitCode: 3, retryable: false } });
    expect(run.text('stdout')).toBe(`${'å'.repeat(9000)}|no newline`);
    expect(run.text('stderr')).toBe('err\n');
    expect(run.text('system')).toBe('');
  });

  test('K3 plain: long lines, empty lines, carriage returns and a missing last newline arrive as written', async () => {
    const body =
      'const w=s=>require("fs").writeSync(1,s);w("a".repeat(16384)+"\\n\\n\\n");w("é".repeat(30000)+"\\nx\\r\\n");w("end")';
    const run = createRun(cluster.config(script(body)));
    expect(await cluster.adapter().execute(run.context)).toEqual({ status: 'succeeded' });
    expect(run.text()).toBe(`${'a'.repeat(16384)}\n\n\n${'é'.repeat(30000)}\nx\r\nend`);
  });

  test('K4 framed: 4 MiB of output arrive whole', async () => {
    const body = 'const l="0123456789abcdef".repeat(63)+"0123456789abcd\\n\\n";for(let i=0;i<4096;i++)process.stdout.write(l)';
    const run = createRun(cluster.config({ ...script(body), nodePath: 'node' }));
    expect(await cluster.adapter().execute(run.context)).toEqual({ status: 'succeeded' });
    expect(run.text()).toBe(`${'0123456789abcdef'.repeat(63)}0123456789abcd\n\n`.repeat(4096));
  });

  test('K5 prompt, environment and run token reach the work; nothing secret is in Job or Pod', async () => {
    const body = `const fs=require("fs");console.log(fs.readFileSync(process.env.RUNBEAT_PROMPT_FILE,"utf8"),process.env.GREETING,process.env.RUNBEAT_RUN_TOKEN.length);fs.writeFileSync("file","x");${tick(8, 250)}`;
    const run = createRun(cluster.config({ ...script(body), env: { GREETING: 'secret-greeting' } }), { prompt: 'secret prompt' });
    const done = cluster.adapter().execute(run.context);
    await run.until(() => run.text().includes('line 1'));
    const [job] = (await cluster.kubectl.jobs()).filter((each) => each.metadata?.name === run.jobName());
    const seen = JSON.stringify([job, await cluster.kubectl.pods(run.jobName())]);
    expect(seen).not.toContain('secret-greeting');
    expect(seen).not.toContain('secret prompt');
    expect(seen).not.toContain(run.context.environment['RUNBEAT_RUN_TOKEN']);
    expect(await done).toEqual({ status: 'succeeded' });
    expect(run.text()).toContain(`secret prompt secret-greeting ${run.context.environment['RUNBEAT_RUN_TOKEN']?.length}`);
  });

  test('K6 cancel: SIGTERM first, last words are kept, nothing is left', async () => {
    const body = `process.on("SIGTERM",()=>{console.log("last words");process.exit(0)});${tick(1000, 100)}`;
    const run = createRun(cluster.config(script(body)));
    const done = cluster.adapter().execute(run.context);
    await run.until(() => run.text().includes('line 2\n'));
    run.cancel();
    expect(await done).toEqual({ status: 'cancelled', forced: false });
    expect(run.text()).toMatch(/last words\n$/);
    await cluster.kubectl.untilGone(run.jobName());
  });

  test('K7 cancel of work that ignores SIGTERM: forced after the grace period', async () => {
    const run = createRun(
      cluster.config({ ...script(`process.on("SIGTERM",()=>{});${tick(1000, 100)}`), gracePeriodSeconds: 1 }),
    );
    const done = cluster.adapter().execute(run.context);
    await run.until(() => run.text().includes('line 1\n'));
    run.cancel();
    expect(await done).toEqual({ status: 'cancelled', forced: true });
    await cluster.kubectl.untilGone(run.jobName());
  });

  test('K8 time-out: the limit is told', async () => {
    const body = `process.on("SIGTERM",()=>process.exit(0));${tick(1000, 100)}`;
    const run = createRun(cluster.config(script(body)));
    const done = cluster.adapter().execute(run.context);
    await run.until(() => run.text().includes('line 1\n'));
    run.abort({ kind: 'timed_out', limitMs: 1234 });
    expect(await done).toEqual({ status: 'timed_out', limitMs: 1234, forced: false });
  });

  test('K9 cancel before the work starts: no Pod runs, nothing is left', async () => {
    const run = createRun(cluster.config({ ...script('console.log("never")'), nodeSelector: { 'runbeat.dev/no-such': 'node' } }));
    const done = cluster.adapter().execute(run.context);
    await run.until(() => run.handles.length > 0);
    run.cancel();
    expect(await done).toEqual({ status: 'cancelled', forced: false });
    expect(run.text()).toBe('');
    await cluster.kubectl.untilGone(run.jobName());
  });

  test('K10 the Pod deadline ends a run that nobody watches', async () => {
    const body = `process.on("SIGTERM",()=>process.exit(0));${tick(1000, 100)}`;
    const run = createRun(cluster.config({ ...script(body), maxRuntimeSeconds: 2, startAllowanceSeconds: 1 }));
    expect(await cluster.adapter().execute(run.context)).toEqual({ status: 'timed_out', limitMs: 2000, forced: false });
  });

  test('K11 image that cannot be fetched: image_pull_failed with the words of the server', async () => {
    const config = cluster.config({ ...script('0'), image: 'localhost/runbeat-no-such-image:1' });
    const run = createRun(config);
    const adapter = cluster.adapter({ timings: { imagePullMs: 3000 } });
    const result = await adapter.execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'image_pull_failed' } });
    expect(JSON.stringify(result)).toContain('runbeat-no-such-image');
    await cluster.kubectl.untilGone(run.jobName());
  });

  test('K12 image name that is none: k8s.image_invalid at once', async () => {
    const run = createRun(cluster.config({ ...script('0'), image: 'localhost/Upper_Case:1' }));
    const result = await cluster.adapter().execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'k8s.image_invalid', retryable: false } });
  });

  test('K13 Secret that is missing: k8s.container_config_error names it', async () => {
    const secretRefs = [{ name: 'KEY', secret: 'runbeat-e2e-missing', key: 'A' }];
    const run = createRun(cluster.config({ ...script('0'), secretRefs }));
    const result = await cluster.adapter({ timings: { containerConfigMs: 2000 } }).execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'k8s.container_config_error' } });
    expect(JSON.stringify(result)).toContain('runbeat-e2e-missing');
  });

  test('K14 volume of a Secret that is missing: k8s.volume_failed from the Events', async () => {
    const volumes = [{ name: 'missing', mountPath: '/data', secret: { secretName: 'runbeat-e2e-missing' } }];
    const run = createRun(cluster.config({ ...script('0'), volumes }));
    const result = await cluster.adapter({ timings: { volumeMs: 1000 } }).execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'k8s.volume_failed' } });
    expect(JSON.stringify(result)).toContain('runbeat-e2e-missing');
  });

  test('K15 command that does not exist: k8s.container_start_failed, plain and framed', async () => {
    const command = ['/no/such/command'];
    const plain = createRun(cluster.config({ command }));
    const framed = createRun(cluster.config({ command, nodePath: 'node' }));
    const adapter = cluster.adapter();
    const results = await Promise.all([adapter.execute(plain.context), adapter.execute(framed.context)]);
    for (const result of results)
      expect(result).toMatchObject({ status: 'failed', error: { code: 'k8s.container_start_failed' } });
  });

  test('K16 no node fits: unschedulable with the scheduler’s words', async () => {
    const run = createRun(cluster.config({ ...script('0'), resources: { requests: { cpu: '900' } } }));
    const result = await cluster.adapter({ timings: { unschedulableMs: 1500 } }).execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'unschedulable', retryable: true } });
    expect(JSON.stringify(result)).toMatch(/nodes are available/);
  });

  test('K17 ServiceAccount that is missing: k8s.pod_create_rejected from the Events of the Job', async () => {
    const run = createRun(cluster.config({ ...script('0'), serviceAccountName: 'runbeat-e2e-no-such' }));
    const result = await cluster
      .adapter({ timings: { podCreateMs: 1000, eventsAfterMs: 500, eventsEveryMs: 500 } })
      .execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'k8s.pod_create_rejected' } });
    expect(JSON.stringify(result)).toContain('runbeat-e2e-no-such');
  });

  test('K18 memory limit exceeded: oom_killed', async () => {
    const body = 'console.log("up");const all=[];setInterval(()=>all.push(Buffer.alloc(16<<20,1)),20)';
    const run = createRun(cluster.config(script(body)));
    const result = await cluster.adapter().execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'oom_killed' } });
  });

  test('K19 work killed by a signal: framed mode names it', async () => {
    const run = createRun(cluster.config({ ...script('process.kill(process.pid,"SIGKILL")'), nodePath: 'node' }));
    const result = await cluster.adapter().execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'killed_by_signal', signal: 'SIGKILL' } });
  });

  test('K20 Pod deleted by hand: pod_deleted; one that exits 0 in its grace has succeeded', async () => {
    const bodyOf = (code: number): string => `process.on("SIGTERM",()=>process.exit(${code}));${tick(1000, 100)}`;
    const adapter = cluster.adapter();
    const runs = [7, 0].map((code) => createRun(cluster.config(script(bodyOf(code)))));
    const results = runs.map((run) => adapter.execute(run.context));
    for (const run of runs) {
      await run.until(() => run.text().includes('line 1\n'));
      for (const pod of await cluster.kubectl.pods(run.jobName())) await cluster.kubectl.deletePod(pod.metadata?.name ?? '');
    }
    expect(await results[0]).toMatchObject({ status: 'failed', error: { code: 'pod_deleted', exitCode: 7 } });
    expect(await results[1]).toEqual({ status: 'succeeded' });
  });

  test('K21 Job deleted by hand: k8s.job_deleted', async () => {
    const run = createRun(cluster.config(script(`process.on("SIGTERM",()=>process.exit(9));${tick(1000, 100)}`)));
    const done = cluster.adapter().execute(run.context);
    await run.until(() => run.text().includes('line 1\n'));
    await cluster.kubectl.deleteJob(run.jobName());
    expect(await done).toMatchObject({ status: 'failed', error: { code: 'k8s.job_deleted' } });
  });

  for (const [mode, extra] of [
    ['plain', {}],
    ['framed', { nodePath: 'node' }],
  ] as const) {
    test(`K22 ${mode}: a host shuts down in mid-run and the next one goes on from the cursor`, async () => {
      const first = createRun(cluster.config({ ...script(tick(60, 50)), ...extra }));
      const done = cluster.adapter().execute(first.context);
      await first.until(() => first.text().includes('line 5\n'));
      first.abort({ kind: 'host_shutdown' });
      expect(await done).toEqual({ status: 'detached' });
      const next = cluster.adapter();
      if (next.outOfProcess?.kind !== 'handle') throw new Error('The adapter has no handle liveness');
      const context = first.takeOver({ from: first.lastCursor() });
      const liveness = await next.outOfProcess.probe({ ...context, signal: AbortSignal.timeout(20_000) });
      expect(['alive', 'ended']).toContain(liveness.state);
      expect(await next.outOfProcess.reattach(context)).toEqual({ status: 'succeeded' });
      expect(first.text() + context.log.text()).toBe(lines(60));
      const again = first.takeOver({ from: null });
      expect(await next.outOfProcess.reattach(again)).toEqual({ status: 'succeeded' });
      expect(again.log.text()).toBe(lines(60));
    });
  }

  test('K23 of two servers that take a run over one wins', async () => {
    const first = createRun(cluster.config(script(tick(40, 100))));
    const done = cluster.adapter().execute(first.context);
    await first.until(() => first.text().includes('line 2\n'));
    first.abort({ kind: 'host_shutdown' });
    await done;
    const contexts = [first.takeOver({ from: null }), first.takeOver({ from: null })];
    const results = await Promise.all(
      contexts.map(async (context) => {
        const { outOfProcess } = cluster.adapter();
        if (outOfProcess?.kind !== 'handle') throw new Error('The adapter has no handle liveness');
        return outOfProcess.reattach(context);
      }),
    );
    expect(results.map((result) => result.status).sort()).toEqual(['detached', 'succeeded']);
    const winner = contexts[results.findIndex((result) => result.status === 'succeeded')];
    expect(winner?.log.text()).toBe(lines(40));
  });

  test('K24 terminate by handle and by run id: nothing is left, a second call finds nothing', async () => {
    const { outOfProcess, execute } = cluster.adapter();
    if (outOfProcess?.kind !== 'handle') throw new Error('The adapter has no handle liveness');
    const run = createRun(cluster.config(script(`process.on("SIGTERM",()=>process.exit(0));${tick(1000, 100)}`)));
    const done = execute(run.context);
    await run.until(() => run.text().includes('line 1\n'));
    const query = { runId: run.context.runId, config: run.context.config, reason: 'lost', signal: AbortSignal.timeout(60_000) };
    expect(await outOfProcess.terminate({ ...query, handle: null })).toEqual({ stopped: 'graceful' });
    expect(await done).toEqual({ status: 'cancelled', forced: false });
    await cluster.kubectl.untilGone(run.jobName());
    expect(await outOfProcess.terminate({ ...query, handle: run.handles[0] ?? null })).toEqual({ stopped: 'already_gone' });
    const liveness = await outOfProcess.probe({ ...query, handle: run.handles[0] as never });
    expect(liveness).toEqual({ state: 'gone' });
  });

  test('K25 the same run started twice makes one Job and works once', async () => {
    const run = createRun(cluster.config(script(tick(10, 100))));
    const twin = createRun(run.context.config, { runId: run.context.runId });
    const results = await Promise.all([cluster.adapter().execute(run.context), cluster.adapter().execute(twin.context)]);
    expect(results.map((result) => result.status)).toContain('succeeded');
    expect((await cluster.kubectl.jobs()).filter((job) => job.metadata?.name === run.jobName())).toHaveLength(1);
    expect(await cluster.kubectl.pods(run.jobName())).toHaveLength(1);
  });

  test('K26 testEnvironment: the documented Role has every right that is needed', async () => {
    const report = await cluster.adapter().testEnvironment?.({
      config: cluster.config(script('0')),
      environment: {},
      signal: AbortSignal.timeout(60_000),
    });
    expect(report?.checks.filter((check) => check.level === 'error' || check.level === 'warn')).toEqual([]);
    expect(report?.checks.map((check) => check.code)).toContain('job_accepted');
  });

  test('K27 orphans: a Job that a crash left suspended is deleted, others stay', async () => {
    const notices: string[] = [];
    const adapter = cluster.adapter({
      instance: orphanInstance(cluster.instance),
      timings: { orphanAgeMs: 500, orphanSweepMs: 500 },
      onNotice: (notice) => notices.push(notice.type),
    });
    const name = `runbeat-e2e-orphan-${Date.now().toString(36)}`;
    const labels = { 'app.kubernetes.io/managed-by': 'runbeat' };
    await cluster.kubectl.createSuspendedJob(name, labels, { 'runbeat.dev/run-id': 'run-that-nobody-knows' });
    const run = createRun(cluster.config(script(tick(30, 100))));
    expect(await adapter.execute(run.context)).toEqual({ status: 'succeeded' });
    const limitAt = Date.now() + 30_000;
    while ((await cluster.kubectl.jobs()).some((job) => job.metadata?.name === name) && Date.now() < limitAt) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect((await cluster.kubectl.jobs()).map((job) => job.metadata?.name)).not.toContain(name);
    expect((await cluster.kubectl.jobs()).map((job) => job.metadata?.name)).toContain(run.jobName());
    expect(notices).toContain('orphan_deleted');
  });

  onSimulator('K28 eviction: evicted, and what exits 0 in its grace has succeeded (simulator only)', async () => {
    const bodyOf = (code: number): string => `process.on("SIGTERM",()=>process.exit(${code}));${tick(1000, 100)}`;
    const adapter = cluster.adapter();
    const runs = [7, 0].map((code) => createRun(cluster.config(script(bodyOf(code)))));
    const results = runs.map((run) => adapter.execute(run.context));
    for (const run of runs) {
      await run.until(() => run.text().includes('line 1\n'));
      const pod = cluster.simulator?.pods().find((each) => each.metadata.labels?.['job-name'] === run.jobName());
      if (pod) cluster.simulator?.evict(pod);
    }
    expect(await results[0]).toMatchObject({ status: 'failed', error: { code: 'evicted', retryable: true } });
    expect(await results[1]).toEqual({ status: 'succeeded' });
  });
});
