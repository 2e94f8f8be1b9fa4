import type { StandardSchemaConverter } from '@nestjs/swagger';
import { z } from 'zod';

type JsonSchema = Record<string, unknown>;

/**
 * Makes the schema more useful to readers and to generators of clients: a time needs no pattern beside its format, an integer no limits that are
 * only JavaScript's, and a response may get more fields.
 */
export function simplify(schema: JsonSchema, isOutput: boolean): void {
  if (schema.format !== undefined) delete schema.pattern;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (isOutput && schema.additionalProperties === false) delete schema.additionalProperties;
}

/** Returns the OpenAPI schema of a zod schema, and as `components` those within it that have a name (`.meta({ id })`). */
export function toOpenApiSchema(
  schema: z.ZodType,
  io: 'input' | 'output',
): { schema: JsonSchema; components: Record<string, JsonSchema> } {
  const { definitions = {}, ...root } = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => simplify(jsonSchema as JsonSchema, io === 'output'),
  }) as JsonSchema;
  return { schema: root, components: definitions as Record<string, JsonSchema> };
}

/**
 * Returns the converter of one document. It throws if two schemas have one name and are not the same, as a body with defaults and a response
 * without: each needs a name of its own.
 */
export function schemaConverter(): StandardSchemaConverter {
  const named = new Map<string, string>();
  return (schema, { schemaType }) => {
    if (!(schema instanceof z.ZodType)) return undefined;
    const converted = toOpenApiSchema(schema, schemaType);
    for (const [name, component] of Object.entries(converted.components)) {
      const text = JSON.stringify(component);
      if ((named.get(name) ?? text) !== text) throw new Error(`two different schemas are named ${name}`);
      named.set(name, text);
    }
    return converted;
  };
}
