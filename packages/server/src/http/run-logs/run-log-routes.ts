import { Readable } from 'node:stream';
import { idParamsSchema, logPageHeaders, logPageSchema, logQuerySchema } from '@runbeat/protocol';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { wireLogRecord } from '../../live/log-topic.js';
import { isTerminalRunStatus } from '../../supervisor/model/index.js';
import type { LogReadQuery } from '../../supervisor/ports/index.js';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import type { RoutePlugin } from '../services.js';
import { logChunks, textOf } from './log-chunks.js';

const defaultPageBytes = 256_000;

export const runLogRoutes: RoutePlugin = (app, services) => {
  const { logStore } = services;
  app.route({
    method: 'GET',
    url: '/api/heartbeat-runs/:id/log',
    config: { access: access.read },
    schema: {
      tags: ['heartbeat-runs'],
      summary: "Read a run's log",
      description:
        "`complete` is true only when the run has ended and the page reaches the end. With `format=text` or `ndjson` and without `limitBytes` everything up to now is sent; with it, the page's numbers are in the headers `runbeat-next-offset`, `runbeat-end-offset` and `runbeat-log-complete`.",
      params: idParamsSchema,
      querystring: logQuerySchema,
      response: {
        200: {
          description: 'A page of the log.',
          content: {
            'application/json': { schema: logPageSchema },
            'text/plain': { schema: z.string() },
            'application/x-ndjson': { schema: z.string() },
          },
        },
      },
    },
    handler: async (request, reply) => {
      // The status first: what is not there when the run had ended will not come.
      const run = await visibleRows(services, callerOf(request)).run(request.params.id);
      const key = { companyId: run.companyId, runId: run.id };
      const { format, limitBytes, offset, after, tailLines, stream } = request.query;
      const query: LogReadQuery = {
        ...(offset === undefined ? {} : { offset }),
        ...(after === undefined ? {} : { afterSeq: after }),
        ...(tailLines === undefined ? {} : { tailLines }),
        ...(stream === undefined ? {} : { stream }),
        limitBytes: limitBytes ?? defaultPageBytes,
      };
      if (format !== 'json' && limitBytes === undefined) {
        const chunks = logChunks(logStore, key, query, format);
        // A wrong offset is refused with the first page, while a status can still be sent.
        const first = await chunks.next();
        return sendChunks(reply as FastifyReply, contentTypes[format], prepend(first, chunks));
      }
      const page = await logStore.read(key, query);
      const isComplete = isTerminalRunStatus(run.status) && page.nextOffset >= page.endOffset;
      if (format === 'json') {
        return reply.send({
          records: page.records.map(wireLogRecord),
          nextOffset: page.nextOffset,
          endOffset: page.endOffset,
          complete: isComplete,
        });
      }
      return reply
        .header('content-type', contentTypes[format])
        .header(logPageHeaders.nextOffset, String(page.nextOffset))
        .header(logPageHeaders.endOffset, String(page.endOffset))
        .header(logPageHeaders.complete, String(isComplete))
        .send(textOf(page.records, format));
    },
  });
};

const contentTypes = { text: 'text/plain; charset=utf-8', ndjson: 'application/x-ndjson; charset=utf-8' } as const;

/** The route's schema knows texts; a stream of one is sent past it. */
function sendChunks(reply: FastifyReply, contentType: string, chunks: AsyncIterable<string>): FastifyReply {
  return reply.header('content-type', contentType).send(Readable.from(chunks, { objectMode: false }));
}

async function* prepend(first: IteratorResult<string, void>, rest: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
