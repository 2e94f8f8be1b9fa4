import { expect, test } from '@jest/globals';
import { inTurn } from './in-turn.js';

const order = (last: string) =>
  inTurn([{ name: 'c' }, { name: 'a' }, { name: 'b' }], last).map(({ name }) => name);

test('turns go on after the one whose turn was last, also if that is not there any more', () => {
  expect(order('')).toEqual(['a', 'b', 'c']);
  expect(order('a')).toEqual(['b', 'c', 'a']);
  expect(order('bb')).toEqual(['c', 'a', 'b']);
  expect(order('c')).toEqual(['a', 'b', 'c']);
});
