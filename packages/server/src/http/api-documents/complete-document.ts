import type { OpenAPIV3_1 } from 'openapi-types';

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** Adds to every operation what is the same for all: the problem answer, the token, an id. */
export function completeDocument(document: OpenAPIV3_1.Document, problemContentType: string): OpenAPIV3_1.Document {
  const problem: OpenAPIV3_1.ResponseObject = {
    description: 'Refused or failed; `code` says why, `remedy` what to do.',
    content: { [problemContentType]: { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  const paths = Object.fromEntries(
    Object.entries(document.paths ?? {}).map(([path, item]) => {
      const completed = { ...item };
      for (const method of methods) {
        const operation = item?.[method];
        if (!operation) continue;
        const isOpen = !path.startsWith('/api/') && path !== '/metrics';
        completed[method] = Object.assign({}, operation, {
          operationId: `${method} ${path}`.replace(/[^A-Za-z0-9]+/g, '_').replace(/_$/, ''),
          responses: Object.assign({}, operation.responses, { default: problem }),
          security: isOpen ? [] : [{ bearer: [] }],
        });
      }
      return [path, completed];
    }),
  );
  return { ...document, paths };
}
