import { expect, test } from '@jest/globals';
import { LineChecker } from './line-checker.js';

const line = Buffer.from(`${JSON.stringify({ userId: 'ann', version: 1, items: ['x'.repeat(1_000)] })}\n`);

test('a file that shares the memory of a thread with many others makes smaller batches, and loses no line', () => {
  const checker = new LineChecker();
  const pieces = Array.from({ length: 10 }, () => checker.check(line, 3 * line.length));
  const batches = [...pieces, checker.end()].flatMap((piece) => piece.batches);
  expect(batches.map((groups) => groups.length)).toEqual([4, 4, 2]);
});
