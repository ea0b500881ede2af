import { ServerError } from '../server-error.js';
import type { HttpApp } from './services.js';

/** Deeper JSON is refused: code that walks it by recursion, here or in an adapter, would run out of stack. */
export const jsonDepthLimit = 64;

/** Bodies are JSON, bounded in size (by Fastify) and depth; an empty body is one without members. */
export function installJsonBody(app: HttpApp): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') {
      done(null, undefined);
      return;
    }
    if (isDeeperThan(String(text), jsonDepthLimit)) {
      done(new ServerError('body_malformed', `The body is nested more than ${jsonDepthLimit} levels deep.`));
      return;
    }
    void parse(request, String(text), done);
  });
  app.addHook('preValidation', async (request) => {
    // Fastify would hand `null` to the schema where nothing was sent.
    if (request.body === undefined && request.routeOptions.schema?.body !== undefined) request.body = {};
  });
}

/** Counts brackets outside of strings, before anything is built from the text. */
export function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (isInString) {
      if (unit === 0x5c) index += 1;
      else if (unit === 0x22) isInString = false;
    } else if (unit === 0x22) {
      isInString = true;
    } else if (unit === 0x7b || unit === 0x5b) {
      depth += 1;
      if (depth > limit) return true;
    } else if (unit === 0x7d || unit === 0x5d) {
      depth -= 1;
    }
  }
  return false;
}
