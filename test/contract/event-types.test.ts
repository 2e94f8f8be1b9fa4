import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { EVENT_TYPES, type EventType, isReservedKey } from '../../src/mailbox/events/event-types.js';

const registry = Object.entries(EVENT_TYPES) as [string, EventType][];
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
/** The text from `start` to the next `end`. */
function section(text: string, start: string, end: string): string {
  const from = text.indexOf(start);
  if (from < 0) throw new Error(`"${start}" is not there`);
  return text.slice(from, text.indexOf(end, from + start.length));
}

test('the web client knows every event type that Usher sends, and no other', () => {
  const events = section(read('clients/web/src/events.ts'), 'export interface UsherEvents {', '\n}');
  const types = [...events.matchAll(/^ {2}'([^']+)': \w+;$/gm)].map(([, type]) => type);
  expect(types.toSorted()).toEqual(registry.map(([type]) => type).toSorted());
});

test('the contract lists every event type that Usher sends, with its tier and key, and no other', () => {
  const table = section(read('docs/CONTRACT.md'), '\n## Events that Usher sends\n', '\n## ');
  const rows = [...table.matchAll(/^\| `([^`]+)` \| (\w+)(?:, `([^`]+)`)?[^|]*\|/gm)];
  expect(rows.map(([, type, tier, key]) => ({ type, tier, key })).toSorted(byType)).toEqual(
    registry.map(([type, { tier, keyPattern }]) => ({ type, tier, key: keyPattern })).toSorted(byType),
  );
});

test('a key pattern in the registry fits the keys that events of the type get', () => {
  const anyData = new Proxy({}, { get: (_, name) => `<${String(name)}>` });
  for (const [, { key, keyPattern }] of registry)
    expect(key?.({ data: anyData, target: '<deviceId>' })).toBe(keyPattern);
});

test('the keys of what only Usher may send are its own, and no others', () => {
  const reserved = registry.flatMap(([, { reserved, keyPattern }]) => (reserved && keyPattern) || []);
  expect(
    reserved.map((pattern) => pattern.replace(/<.*>/, 'x')).filter((key) => !isReservedKey(key)),
  ).toEqual([]);
  const free = [
    'membership:x',
    'campaigns',
    'campaign',
    'my-campaign:x',
    'recommendations:main',
    'promo',
    '',
  ];
  expect(free.filter(isReservedKey)).toEqual([]);
});

const byType = (a: { type: string | undefined }, b: { type: string | undefined }) =>
  String(a.type).localeCompare(String(b.type));
