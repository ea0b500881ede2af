import type { OpenAPIV3_1 } from 'openapi-types';

type Schema = OpenAPIV3_1.SchemaObject | OpenAPIV3_1.ReferenceObject;

/** A page that needs nothing else: no script, no font, no other server. */
export function renderReferencePage(document: OpenAPIV3_1.Document): string {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    (['get', 'post', 'put', 'patch', 'delete'] as const).flatMap((method) => {
      const operation = item?.[method];
      return operation ? [{ path, method, operation, tag: operation.tags?.[0] ?? 'other' }] : [];
    }),
  );
  const tags = [...new Set(operations.map(({ tag }) => tag))];
  const sections = tags.map((tag) => {
    const entries = operations.filter((entry) => entry.tag === tag).map(renderOperation);
    return `<section><h2 id="tag-${escaped(tag)}">${escaped(tag)}</h2>${entries.join('')}</section>`;
  });
  const schemas = Object.entries(document.components?.schemas ?? {})
    .filter(([name]) => !name.endsWith('Input'))
    .map(([name, schema]) => `<article><h3 id="schema-${escaped(name)}">${escaped(name)}</h3>${renderSchema(schema)}</article>`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(document.info.title)} API</title><style>${style}</style></head><body>
<header><h1>${escaped(document.info.title)} API <small>${escaped(document.info.version)}</small></h1>
<p>${text(document.info.description)}</p><p>Machine-readable: <a href="/api/openapi.json">/api/openapi.json</a></p></header>
<nav aria-label="Resources">${[...tags.map((tag) => `<a href="#tag-${escaped(tag)}">${escaped(tag)}</a>`), '<a href="#schemas">schemas</a>'].join(' ')}</nav>
<main>${sections.join('')}<section><h2 id="schemas">Schemas</h2>${schemas.join('')}</section></main></body></html>`;
}

function renderOperation(entry: { path: string; method: string; operation: OpenAPIV3_1.OperationObject }): string {
  const { path, method, operation } = entry;
  const parameters = (operation.parameters ?? []).filter((item): item is OpenAPIV3_1.ParameterObject => 'name' in item);
  const body = operation.requestBody && 'content' in operation.requestBody ? operation.requestBody.content : {};
  return `<article><h3 id="${escaped(operation.operationId ?? '')}"><b class="${method}">${method.toUpperCase()}</b> <code>${escaped(path)}</code></h3>
<p>${text(operation.summary)}</p>${operation.description ? `<p>${text(operation.description)}</p>` : ''}
${parameters.length > 0 ? `<table><caption>Parameters</caption>${parameters.map(renderParameter).join('')}</table>` : ''}
${Object.values(body)
  .map(({ schema }) => (schema ? `<h4>Body</h4>${renderSchema(schema)}` : ''))
  .join('')}
${Object.entries(operation.responses ?? {})
  .map(renderResponse)
  .join('')}</article>`;
}

function renderParameter(parameter: OpenAPIV3_1.ParameterObject): string {
  return `<tr><th scope="row"><code>${escaped(parameter.name)}</code>${parameter.required ? ' <em>required</em>' : ''}</th><td>${escaped(parameter.in)}</td><td>${typeName(parameter.schema as Schema | undefined)}</td><td>${text(parameter.description ?? descriptionOf(parameter.schema as Schema | undefined))}</td></tr>`;
}

function renderResponse([status, response]: [string, OpenAPIV3_1.ResponseObject | OpenAPIV3_1.ReferenceObject]): string {
  if (!('content' in response) || !response.content) return `<h4>${escaped(status)}</h4>`;
  return Object.entries(response.content)
    .map(
      ([type, { schema }]) => `<h4>${escaped(status)} <small>${escaped(type)}</small></h4>${schema ? renderSchema(schema) : ''}`,
    )
    .join('');
}

function renderSchema(schema: Schema): string {
  if ('$ref' in schema || !schema.properties) return `<p>${typeName(schema)}</p>`;
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties).map(
    ([name, property]) =>
      `<tr><th scope="row"><code>${escaped(name)}</code>${required.has(name) ? ' <em>required</em>' : ''}</th><td>${typeName(property)}</td><td>${text(descriptionOf(property))}</td></tr>`,
  );
  return `<table>${rows.join('')}</table>`;
}

function typeName(schema: Schema | undefined): string {
  if (!schema) return '';
  if ('$ref' in schema) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return `<a href="#schema-${escaped(name.replace(/Input$/, ''))}">${escaped(name.replace(/Input$/, ''))}</a>`;
  }
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return union.map((member) => typeName(member)).join(' | ');
  if (schema.const !== undefined) return `<code>${escaped(JSON.stringify(schema.const))}</code>`;
  if (schema.enum) return schema.enum.map((value) => `<code>${escaped(JSON.stringify(value))}</code>`).join(' | ');
  if (schema.type === 'array') return `${typeName((schema as OpenAPIV3_1.ArraySchemaObject).items)}[]`;
  const format = schema.format ? ` (${schema.format})` : '';
  return `${escaped([schema.type ?? 'any'].flat().join(' | '))}${escaped(format)}`;
}

function descriptionOf(schema: Schema | undefined): string {
  return schema?.description ?? '';
}

/** Escaped, with `code` in backticks. */
function text(value: string | undefined): string {
  return escaped(value ?? '').replace(/`([^`]+)`/g, '<code>$1</code>');
}

function escaped(value: string): string {
  return value.replace(
    /[&<>"]/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? character,
  );
}

const style = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem}
nav{display:flex;flex-wrap:wrap;gap:.75rem;position:sticky;top:0;background:Canvas;padding:.5rem 0;border-bottom:1px solid GrayText}
article{border-top:1px solid color-mix(in srgb,CanvasText 20%,transparent);padding:.5rem 0 1rem}h3{font-size:1rem}h4{margin:.75rem 0 .25rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.2rem .75rem .2rem 0;font-weight:normal}
caption{text-align:left;font-weight:bold}em{font-size:.8em;opacity:.7}code{font-family:ui-monospace,monospace}b.get{color:#2a7}b.post{color:#37c}b.patch,b.put{color:#a70}b.delete{color:#c33}`;
