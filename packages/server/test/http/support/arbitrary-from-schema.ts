import fc from 'fast-check';

/** The part of JSON Schema that the document uses. */
export interface SchemaNode {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly allOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** Texts that have broken servers before: characters that PostgreSQL refuses, huge numbers, other languages' injections. */
const nastyTexts = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\u{1F600}',
  '../../etc/passwd',
  "'; DROP TABLE agents; --",
  '%00',
  '%',
  '{"$secret":"X"}',
  '__proto__',
  'constructor',
  '1e999',
  '-1',
  'null',
  'x'.repeat(400),
];

export const nastyText = fc.oneof(fc.constantFrom(...nastyTexts), fc.string({ unit: 'binary', maxLength: 40 }));

const nastyJson: fc.Arbitrary<unknown> = fc.oneof(
  nastyText,
  fc.constantFrom(null, true, 0, -1, 1.5, 1e308, 2 ** 53, -(2 ** 31) - 1, [], {}, [[[]]], { $secret: 'MISSING' }, { $secret: 1 }),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<unknown>,
);

/** Values that mostly are what the schema wants, with parts that are not. `ids` are tried where one is wanted. */
export function arbitraryFromSchema(
  schema: SchemaNode | undefined,
  context: { readonly resolve: (ref: string) => SchemaNode; readonly ids: readonly string[] },
  depth = 0,
): fc.Arbitrary<unknown> {
  if (!schema || depth > 6) return nastyJson;
  const right = rightValue(schema, context, depth);
  return fc.oneof({ arbitrary: right, weight: 8 }, { arbitrary: nastyJson, weight: 1 });
}

function rightValue(
  schema: SchemaNode,
  context: { readonly resolve: (ref: string) => SchemaNode; readonly ids: readonly string[] },
  depth: number,
): fc.Arbitrary<unknown> {
  if (schema.$ref) return arbitraryFromSchema(context.resolve(schema.$ref), context, depth + 1);
  const union = schema.anyOf ?? schema.oneOf;
  if (union && union.length > 0) return fc.oneof(...union.map((member) => arbitraryFromSchema(member, context, depth + 1)));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'object': {
      const properties = Object.entries(schema.properties ?? {}).map(
        ([name, property]) => [name, arbitraryFromSchema(property, context, depth + 1)] as const,
      );
      const required = schema.required ?? [];
      const record = fc.record(Object.fromEntries(properties), {
        requiredKeys: [...required].filter((name) => properties.some(([key]) => key === name)),
      });
      return fc.oneof(
        { arbitrary: record, weight: 6 },
        {
          arbitrary: fc.tuple(record, nastyText, nastyJson).map(([value, key, extra]) => ({ ...value, [key]: extra })),
          weight: 1,
        },
      );
    }
    case 'array':
      return fc.array(arbitraryFromSchema(schema.items, context, depth + 1), { maxLength: 4 });
    case 'integer':
      return fc.oneof(
        fc.integer({ min: Math.max(schema.minimum ?? -1_000, -(2 ** 31)), max: Math.min(schema.maximum ?? 1_000, 2 ** 31 - 1) }),
        fc.constantFrom(schema.minimum ?? 0, schema.maximum ?? 0, Number.MAX_SAFE_INTEGER),
      );
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string':
      if (schema.format === 'uuid') return fc.oneof(fc.constantFrom(...context.ids), fc.uuid(), nastyText);
      if (schema.format === 'date-time')
        return fc.oneof(fc.constantFrom('2020-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '0001-01-01T00:00:00Z'), nastyText);
      return fc.oneof(fc.constantFrom('told', 'local', 'x', 'worker', '@worker hello'), nastyText);
    default:
      return nastyJson;
  }
}
