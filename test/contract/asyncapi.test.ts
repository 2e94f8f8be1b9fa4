import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';

interface Message {
  readonly name: string;
  readonly summary: string;
  readonly payload: { readonly $ref: string };
  readonly examples: { readonly payload: unknown }[];
}

const text = readFileSync(new URL('../../docs/asyncapi.json', import.meta.url), 'utf8');
const document = JSON.parse(text) as {
  operations: Record<string, { summary: string }>;
  components: { messages: Record<string, Message>; schemas: Record<string, object> };
};
const { messages, schemas } = document.components;

/** Returns the schema of a payload, in the form that zod reads: it knows no reference but to `definitions`, and patterns without the flag u. */
function schemaOf({ payload }: Message): z.ZodType {
  const local = JSON.stringify({ ...payload, definitions: schemas });
  const readable = JSON.parse(
    local.replaceAll('#/components/schemas/', '#/definitions/'),
    (key, value: unknown) => (key === 'pattern' && String(value).includes('\\p{') ? undefined : value),
  ) as z.core.JSONSchema.JSONSchema;
  return z.fromJSONSchema(readable, { defaultTarget: 'draft-7' });
}

describe('docs/asyncapi.json', () => {
  test.each(Object.entries(messages))(
    'says what %s is, by a named schema and an example that fits it',
    (_, message) => {
      expect(message.summary).toMatch(/^[A-Z`].{5,}/);
      expect(message.payload.$ref).toMatch(/^#\/components\/schemas\/[A-Z]\w+$/);
      expect(message.examples.length).toBeGreaterThan(0);
      for (const { payload } of message.examples)
        expect(schemaOf(message).safeParse(payload).error?.issues ?? []).toEqual([]);
    },
  );

  test('refers only to what it has', () => {
    const references = [...text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, path = '']) => path);
    const isMissing = (path: string) =>
      path
        .split('/')
        .reduce<unknown>((part, step) => (part as Record<string, unknown> | undefined)?.[step], document) ===
      undefined;
    expect(references.length).toBeGreaterThan(100);
    expect(references.filter(isMissing)).toEqual([]);
  });

  test('says what each operation is for', () => {
    expect(Object.entries(document.operations).filter(([, { summary }]) => !summary)).toEqual([]);
  });
});
