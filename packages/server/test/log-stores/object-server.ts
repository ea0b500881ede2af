import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A small object service over HTTP, as far as the log store uses one: put, get, list by prefix in pages, delete. */
export interface ObjectServer {
  readonly endpoint: string;
  readonly objects: Map<string, Buffer>;
  /** Answers the next uploads with this status instead of storing them. */
  failUploads: { status: number; code: string } | null;
  close(): Promise<void>;
}

const pageSize = 7;

export async function startObjectServer(): Promise<ObjectServer> {
  const objects = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const key = decodeURIComponent(url.pathname).split('/').slice(2).join('/');
    const chunks: Buffer[] = [];
    const answer = (status: number, body: string | Buffer = ''): void => {
      response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
    };
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method === 'PUT' && result.failUploads !== null) {
        const { status, code } = result.failUploads;
        return answer(status, `<Error><Code>${code}</Code><Message>no</Message></Error>`);
      }
      if (request.method === 'PUT') {
        objects.set(key, Buffer.concat(chunks));
        return answer(200);
      }
      if (request.method === 'DELETE') {
        objects.delete(key);
        return answer(204);
      }
      if (key !== '') {
        const body = objects.get(key);
        return body === undefined ? answer(404, '<Error><Code>NoSuchKey</Code></Error>') : answer(200, body);
      }
      const prefix = url.searchParams.get('prefix') ?? '';
      const after = url.searchParams.get('continuation-token') ?? url.searchParams.get('start-after') ?? '';
      const found = [...objects.keys()].filter((one) => one.startsWith(prefix) && one > after).sort();
      const page = found.slice(0, pageSize);
      const isTruncated = found.length > page.length;
      answer(
        200,
        `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${page.map((one) => `<Contents><Key>${one}</Key></Contents>`).join('')}${
          isTruncated ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
        }</ListBucketResult>`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const result: ObjectServer = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    failUploads: null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return result;
}
