import { type ApiObject, RESOURCE_KINDS, type ResourceName } from './api-objects.js';
import { badRequest, failure } from './api-status.js';
import { type ApiRequest, sendJson } from './request.js';
import { type Matches, parseFieldSelector, parseLabelSelector } from './selectors.js';

/** The selectors of a list or watch as one test. */
export function selectionOf(request: ApiRequest, resource: ResourceName): Matches {
  const label = parseLabelSelector(request.query.get('labelSelector') ?? '');
  const field = parseFieldSelector(request.query.get('fieldSelector') ?? '', RESOURCE_KINDS[resource].kind);
  return (object) => label(object) && field(object);
}

/** Where a page ended; opaque to clients. */
interface ContinueToken {
  readonly v: string;
  readonly rv: number;
  readonly start: string;
}

/** A LIST: selectors, pages, and lists of an earlier revision as long as it is kept. */
export function listObjects(request: ApiRequest, resource: ResourceName): void {
  const { store } = request.cluster;
  const selects = selectionOf(request, resource);
  const limit = wholeNumber(request.query.get('limit'));
  const token = request.query.get('continue');
  const asked = request.query.get('resourceVersion');
  if (token && asked && asked !== '0') throw badRequest('specifying resource version is not allowed when using continue');
  if (asked !== null && !/^\d*$/.test(asked)) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: "${asked}": strconv.ParseUint: parsing "${asked}": invalid syntax`,
    );
  }
  const from = token ? decodeToken(token) : { rv: store.revision, start: '' };
  if (from.rv > 0 && from.rv < store.oldestListRevision) {
    throw failure({
      code: 410,
      reason: 'Expired',
      message:
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
      continueToken: encodeToken({ v: 'meta.k8s.io/v1', rv: -1, start: from.start }),
    });
  }
  const revision = from.rv > 0 ? from.rv : store.revision;
  const start = from.start.replace(/^\//, '').split('\u0000').join('');
  const all = (store.listAt(resource, request.namespace, revision) as ApiObject[]).filter(selects);
  const rest = all.filter((object) => start === '' || object.metadata.name > start);
  const page = limit > 0 && asked !== '0' ? rest.slice(0, limit) : rest;
  const last = page.at(-1);
  const hasMore = page.length < rest.length && last !== undefined;
  const isSelective = request.query.has('labelSelector') || request.query.has('fieldSelector');
  const { kind, apiVersion } = RESOURCE_KINDS[resource];
  sendJson(request.response, 200, {
    kind: `${kind}List`,
    apiVersion,
    metadata: {
      resourceVersion: String(revision),
      ...(hasMore ? { continue: encodeToken({ v: 'meta.k8s.io/v1', rv: revision, start: `/${last.metadata.name}\u0000` }) } : {}),
      ...(hasMore && !isSelective ? { remainingItemCount: rest.length - page.length } : {}),
    },
    // Items carry neither kind nor apiVersion.
    items: page.map(({ kind: _kind, apiVersion: _version, ...item }) => item),
  });
}

function encodeToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function decodeToken(text: string): ContinueToken {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as ContinueToken;
  } catch {
    throw badRequest(
      "invalid continue token: continue key is not valid: invalid character '\\u0081' looking for beginning of value",
    );
  }
}

function wholeNumber(text: string | null): number {
  if (text === null || text === '') return 0;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return Number(text);
}
