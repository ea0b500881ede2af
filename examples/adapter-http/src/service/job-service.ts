import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { type Job, startJob, type Task } from './job.js';

export interface JobService {
  readonly url: string;
  readonly server: Server;
  close(): Promise<void>;
}

export interface JobServiceOptions {
  readonly tasks: Readonly<Record<string, Task>>;
  /** Absent = whoever reaches the service may use it. */
  readonly token?: string;
  /** 0 = a free one. */
  readonly port: number;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const startSchema = z.object({ runId: z.string().min(1), task: z.string(), input: z.string().nullable() });
const bodyLimitBytes = 1_048_576;

/**
 * A little job service, as there are many: start a job under an id, look at it, read its output, stop it. Jobs live in
 * this process and end with it.
 *
 * `PUT /jobs/:id` · `GET /jobs/:id` · `GET /jobs/:id/output?after=N` · `POST /jobs/:id/cancel|kill` · `GET /jobs?run=R`
 */
export async function startJobService({ tasks, token, port }: JobServiceOptions): Promise<JobService> {
  const jobs = new Map<string, Job>();
  const server = createServer((request, response) => {
    answerTo(request).then(
      (answer) => send(response, answer),
      (error: unknown) => send(response, { status: 400, body: { message: String(error) } }),
    );
  });

  const answerTo = async (request: IncomingMessage): Promise<Answer> => {
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return { status: 401, body: { message: 'The token is wrong.' } };
    const url = new URL(request.url ?? '/', 'http://service');
    const [, root, rawId, action] = url.pathname.split('/');
    if (root !== 'jobs') return notFound;
    if (rawId === undefined) {
      const runId = url.searchParams.get('run');
      return { status: 200, body: [...jobs].filter(([, job]) => job.runId === runId).map(([id]) => id) };
    }
    const id = decodeURIComponent(rawId);
    if (request.method === 'PUT') return start(id, await readJson(request));
    const job = jobs.get(id);
    if (!job) return notFound;
    if (request.method === 'GET')
      return { status: 200, body: action === 'output' ? job.page(Number(url.searchParams.get('after'))) : job.state };
    if (action === 'cancel') job.ask();
    else if (action === 'kill') job.kill();
    else return notFound;
    return { status: 200, body: job.state };
  };
  const start = (id: string, body: unknown): Answer => {
    const existing = jobs.get(id);
    if (existing) return { status: 200, body: existing.state };
    const { task: name, runId, input } = startSchema.parse(body);
    const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
    if (!task) return { status: 422, body: { message: `There is no task '${name}'. Known: ${Object.keys(tasks).join(', ')}.` } };
    const job = startJob(task, { runId, input });
    jobs.set(id, job);
    return { status: 201, body: job.state };
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    async close() {
      for (const job of jobs.values()) job.kill();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const notFound: Answer = { status: 404, body: { message: 'There is no such job.' } };

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > bodyLimitBytes) throw new RangeError(`The body has more than ${bodyLimitBytes} bytes.`);
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString('utf8'));
}
