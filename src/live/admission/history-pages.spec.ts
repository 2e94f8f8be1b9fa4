import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PAGE_BYTES } from '../../mailbox/position.js';
import { toPages } from './history-pages.js';

const items = fc.array(
  fc.integer({ min: 1, max: PAGE_BYTES * 1.5 }).map((length) => ({ body: { length } as string })),
);
const bytesOf = (page: readonly { readonly body: string }[]) =>
  page.reduce((sum, { body }) => sum + body.length, 0);

describe('the pages of a history', () => {
  test('have all of it in order, as much in each as fits, and none is empty', () => {
    fc.assert(
      fc.property(items, (all) => {
        const pages = toPages(all);
        expect(pages.flat()).toEqual(all);
        pages.forEach((page, n) => {
          expect(page.length).toBeGreaterThan(0);
          expect(page.length === 1 || bytesOf(page) <= PAGE_BYTES).toBe(true);
          const next = pages[n + 1]?.[0];
          expect(next === undefined || bytesOf([...page, next]) > PAGE_BYTES).toBe(true);
        });
      }),
    );
  });
});
