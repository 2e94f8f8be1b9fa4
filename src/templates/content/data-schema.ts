import { z } from 'zod';
import type { DataNode, TemplateFault } from '../template.js';

/** Values in an array, and characters in a text, that data can have where its schema does not say. */
const MAX_ITEMS = 1_000;
const MAX_LENGTH = 20_000;

/** Data that fits, with the default values of what was missing; or what does not fit. */
export type CheckedData =
  { readonly data: Readonly<Record<string, unknown>> } | { readonly faults: readonly TemplateFault[] };

/** Checks data. */
export type DataCheck = (data: unknown) => CheckedData;

/** Returns the check of data by a template's schema. */
export function dataCheckOf(node: DataNode): DataCheck {
  const schema = zodOf(node);
  return (data) => {
    const parsed = schema.safeParse(data);
    if (parsed.success) return { data: parsed.data as Record<string, unknown> };
    const faults = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({
      at: ['data', ...path.map(String)].join('.'),
      message,
    }));
    return { faults };
  };
}

/** Whether a property is there for certain. */
export const isCertain = (object: DataNode, name: string): boolean =>
  object.required?.includes(name) === true || object.properties?.[name]?.default !== undefined;

/** Whether a value can be null. */
export const isNullable = ({ type, enum: values }: DataNode): boolean =>
  typeof type !== 'string' || values?.includes(null) === true;

/** Returns the type, without `null`. */
export const typeOf = ({ type }: DataNode) => (typeof type === 'string' ? type : type[0]);

/** Returns of how many values a schema speaks. */
export const countNodes = ({ properties = {}, items }: DataNode): number =>
  [...Object.values(properties), ...(items ? [items] : [])].reduce(
    (sum, child) => sum + countNodes(child),
    1,
  );

/** Returns what is wrong with a schema itself: names that are required and not there, arrays of nothing, defaults that do not fit. */
export function faultsOfSchema(node: DataNode, at: string): TemplateFault[] {
  const { properties = {}, required = [], items } = node;
  const type = typeOf(node);
  const faults: TemplateFault[] = required
    .filter((name) => !Object.hasOwn(properties, name))
    .map((name) => ({ at, message: `requires ${name}, which is not among its properties` }));
  if (type === 'array' && !items) faults.push({ at, message: 'is an array without items' });
  // A default is a scalar, or an array of nothing: what is below need not be looked at.
  const { default: value, properties: _properties, required: _required, items: _items, ...itself } = node;
  if (value !== undefined && !zodOf(itself).safeParse(value).success)
    faults.push({ at: `${at}.default`, message: 'does not fit' });
  return [
    ...faults,
    ...Object.entries(properties).flatMap(([name, child]) =>
      faultsOfSchema(child, `${at}.properties.${name}`),
    ),
    ...(items ? faultsOfSchema(items, `${at}.items`) : []),
  ];
}

/** Returns the data without all that the schema does not require: the least that a caller may give. */
export function leastOf(node: DataNode, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = node.items;
    return items
      ? value.slice(0, Math.max(node.minItems ?? 0, 1)).map((item) => leastOf(items, item))
      : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const child = node.properties?.[name];
      return child && node.required?.includes(name) ? [[name, leastOf(child, inner)]] : [];
    }),
  );
}

const zodOf = (node: DataNode): z.ZodType =>
  z.fromJSONSchema(jsonSchemaOf(node) as Parameters<typeof z.fromJSONSchema>[0]);

/** A property with a default counts as required: the default is put in. */
function jsonSchemaOf(node: DataNode): object {
  const { properties, items, required = [], ...rest } = node;
  const withDefaults = Object.entries(properties ?? {}).flatMap(([name, child]) =>
    child.default === undefined ? [] : [name],
  );
  const type = typeOf(node);
  return {
    ...rest,
    ...(type === 'string' && { maxLength: rest.maxLength ?? MAX_LENGTH }),
    ...(type === 'array' && {
      maxItems: rest.maxItems ?? MAX_ITEMS,
      items: items ? jsonSchemaOf(items) : {},
    }),
    ...(type === 'object' && {
      required: [...new Set([...required, ...withDefaults])],
      properties: Object.fromEntries(
        Object.entries(properties ?? {}).map(([name, child]) => [name, jsonSchemaOf(child)]),
      ),
    }),
  };
}
