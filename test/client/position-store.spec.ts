import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PositionStore } from '../../clients/web/src/position-store.js';
import { readTokenSubject } from '../../clients/web/src/token.js';
import { createToken } from './fake-server.js';
import { MemoryStorage } from './test-client.js';

describe('the position store', () => {
  test('keeps the positions of different servers, users and devices apart, whatever they are called', () => {
    const name = fc.string({ unit: fc.constantFrom('a', ':', '%', '/', '.'), minLength: 1, maxLength: 5 });
    const owner = fc.tuple(name, name, name);
    fc.assert(
      fc.property(owner, owner, (one, other) => {
        fc.pre(one.join(' ') !== other.join(' '));
        const storage = new MemoryStorage();
        new PositionStore(storage, one[0], one[1]).save(one[2], { epoch: 'e', offset: 1 });
        expect(new PositionStore(storage, other[0], other[1]).load(other[2])).toBeUndefined();
        expect(new PositionStore(storage, one[0], one[1]).load(one[2])).toEqual({ epoch: 'e', offset: 1 });
      }),
      {
        examples: [
          [
            ['u', 'c', 'a:b'],
            ['u', 'b:c', 'a'],
          ],
        ],
      },
    );
  });

  test('returns nothing for a stored value that is not a position, and survives a storage that throws', () => {
    const storage = new MemoryStorage();
    const store = new PositionStore(storage, 'u', 'd');
    store.save('ann', { epoch: 'e', offset: 1 });
    const [name = ''] = storage.items.keys();
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{"epoch":1,"offset":1}',
      '{"epoch":"e","offset":1.5}',
      '{"epoch":"e","offset":-1}',
    ]) {
      storage.items.set(name, text);
      expect(store.load('ann')).toBeUndefined();
    }
    storage.setItem = () => {
      throw new Error('full');
    };
    expect(store.save('ann', { epoch: 'e', offset: 1 })).toBe(false);
  });
});

test('the user id is read from a token, and from nothing else', () => {
  expect(readTokenSubject(createToken('ünal:1'))).toBe('ünal:1');
  for (const text of ['', 'abc', 'a.b.c', 'a.e30.c', 'a.bnVsbA.c'])
    expect(readTokenSubject(text)).toBeUndefined();
});
