import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonDeeperThan, valueDeeperThan } from './json-depth.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** The simple way: parse it all, then count. */
const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

/** Strings that look like structure: brackets, quotes and backslashes. */
const trickyText = fc.string({
  unit: fc.constantFrom('[', ']', '{', '}', '"', '\\', ',', ':', 'a', 'é', '😀', '\n', '\u0000'),
});
const trickyJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 8, withCrossShrink: true },
    trickyText,
    fc.constantFrom(null, true, 0, -1.5e-7),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(trickyText, tie('value'), { maxKeys: 3 }),
  ),
})).value;

describe('the depth of JSON', () => {
  test.each([
    ['7', 0],
    ['"[[[["', 0],
    ['[]', 1],
    ['{"a":[]}', 2],
    ['[[],[[]]]', 3],
    [String.raw`["\"[[["]`, 1],
    [String.raw`["\\",[["]"]]]`, 3],
  ])('%s has %i levels', (text, depth) => {
    expect(jsonDeeperThan(bytes(text), depth)).toBe(false);
    expect(jsonDeeperThan(bytes(text), depth - 1)).toBe(depth > 0);
  });

  test('read from the bytes is the depth that a parser finds, for any JSON and any whitespace', () => {
    fc.assert(
      fc.property(trickyJson, fc.nat(10), fc.constantFrom(undefined, 1, '\t'), (value, max, space) => {
        expect(jsonDeeperThan(bytes(JSON.stringify(value, null, space)), max)).toBe(depthOf(value) > max);
      }),
      { numRuns: 1_000 },
    );
  });

  test('of a parsed value is the same as that of its text', () => {
    fc.assert(
      fc.property(trickyJson, fc.nat(10), (value, max) => {
        expect(valueDeeperThan(value, max)).toBe(depthOf(value) > max);
      }),
    );
  });

  test('of bytes that are not JSON is computed without an error', () => {
    fc.assert(fc.property(fc.uint8Array(), fc.nat(3), (noise, max) => void jsonDeeperThan(noise, max)));
  });

  test('of a million levels is found without exhausting the stack', () => {
    const text = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
    expect(jsonDeeperThan(bytes(text), 32)).toBe(true);
    let value: unknown = [];
    for (let level = 0; level < 100_000; level += 1) value = [value];
    expect(valueDeeperThan(value, 16)).toBe(true);
  });
});
