// How soon `runbeat serve` answers, at its very first start and at later ones, and how much a production install weighs.
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const runFile = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const isLinux = process.platform === 'linux';
const command = join(root, 'packages/cli/bin/runbeat.js');

export default { title: 'start of the server, and its size', run };

async function run({ scale }) {
  const rounds = Math.max(2, Math.round(5 * scale));
  const folder = await mkdtemp(join(tmpdir(), 'runbeat-bench-'));
  try {
    const times = { first: [], restart: [], restartCpu: [], help: [], node: [], nodeCpu: [] };
    for (let round = 0; round < rounds; round += 1) {
      const home = join(folder, `home-${round}`);
      times.first.push((await startOnce(home)).readyMs);
      const restart = await startOnce(home);
      times.restart.push(restart.readyMs);
      times.restartCpu.push(restart.cpuMs);
      times.help.push(await timeOf([command, 'runs', 'list', '--help']));
      times.node.push(await timeOf(['-e', '0']));
      times.nodeCpu.push(await bareCpu());
      await rm(home, { recursive: true, force: true });
    }
    const node = median(times.node);
    const figures = [
      start('first start of `runbeat serve` until it is ready, with a new database', median(times.first), node, 2_000),
      start('restart of `runbeat serve` until it is ready', median(times.restart), node, 700),
      without('P8-help', '`runbeat runs list --help`, against `node -e 0`', median(times.help), node),
    ];
    // Says more than the time where other programs use the machine.
    if (isLinux) {
      const what = 'CPU time of the server in a restart until it is ready, against `node -e 0`';
      figures.push(without('P8-cpu', what, Math.min(...times.restartCpu), Math.min(...times.nodeCpu)));
    }
    // Packing and installing takes a minute and asks the registry.
    if (scale >= 0.5) figures.push(await installSize(folder));
    return figures;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const start = (what, value, baseline, limitMs) => ({
  id: 'P8',
  what: `${what}, against \`node -e 0\``,
  value,
  baseline,
  unit: 'ms',
  ratio: value / baseline,
  goal: `≤ ${limitMs} ms`,
  isMet: value <= limitMs,
});

/** A figure without a goal. */
const without = (id, what, value, baseline) => ({
  id,
  what,
  value,
  baseline,
  unit: 'ms',
  ratio: value / baseline,
  goal: '–',
  isMet: null,
});

/** From the start of the process until `/readyz` says yes; then ends it in order. */
async function startOnce(home) {
  const begun = performance.now();
  const child = spawn(process.execPath, [command, '--json', 'serve', '--port', '0', '--log-level', 'warn'], {
    env: { ...process.env, RUNBEAT_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const { url } = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
      const line = text.split('\n').find((each) => each.includes('"listening"') && each.endsWith('}'));
      if (line) resolve(JSON.parse(line));
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
  });
  while (!(await fetch(`${url}/readyz`)).ok) await new Promise((resolve) => setTimeout(resolve, 5));
  const readyMs = performance.now() - begun;
  const cpuMs = isLinux ? await cpuOf(child.pid) : 0;
  child.kill('SIGTERM');
  await exited;
  return { readyMs, cpuMs };
}

/** User and system time of a living process; the kernel counts in hundredths of a second. */
async function cpuOf(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [userTicks, systemTicks] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (userTicks + systemTicks) * 10;
}

async function timeOf(args) {
  const begun = performance.now();
  await runFile(process.execPath, args);
  return performance.now() - begun;
}

/** CPU time of a Node that does nothing, as it knows it itself. */
async function bareCpu() {
  const { stdout } = await runFile(process.execPath, [
    '-p',
    'const { user, system } = process.cpuUsage(); (user + system) / 1000',
  ]);
  return Number(stdout);
}

/** What `npm install --omit=dev runbeat` puts on the disk, from the tarballs that would be published. */
async function installSize(folder) {
  const tarballs = [];
  for (const name of await readdir(join(root, 'packages'))) {
    const cwd = join(root, 'packages', name);
    const manifest = JSON.parse(await readFile(join(cwd, 'package.json'), 'utf8'));
    if (manifest.private) continue;
    const { stdout } = await runFile('npm', ['pack', '--json', '--pack-destination', folder], { cwd });
    const answer = JSON.parse(stdout);
    const { filename } = Array.isArray(answer) ? answer[0] : Object.values(answer)[0];
    tarballs.push([manifest.name, `file:${join(folder, filename)}`]);
  }
  const project = join(folder, 'project');
  await mkdir(project);
  const all = Object.fromEntries(tarballs);
  // Only the command is asked for; the rest of ours is named so that its packages come from here and not from the registry.
  const manifest = { name: 'size', private: true, dependencies: { runbeat: all.runbeat }, overrides: withoutKey(all, 'runbeat') };
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest));
  await runFile('npm', ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: project });
  const { stdout } = await runFile('du', ['-sk', join(project, 'node_modules')]);
  const value = Number.parseInt(stdout, 10) / 1024;
  return {
    id: 'P8',
    what: 'production install of `runbeat` with the embedded PostgreSQL',
    value,
    baseline: null,
    unit: 'MiB',
    ratio: null,
    goal: '≤ 150 MB',
    isMet: (value * 1024 ** 2) / 1e6 <= 150,
  };
}

const withoutKey = (record, key) => Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
