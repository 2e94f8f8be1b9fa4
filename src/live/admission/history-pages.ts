import { PAGE_BYTES } from '../../mailbox/position.js';

/** Divides what is to be written into pages of at most PAGE_BYTES, in order; what is larger has a page of its own. */
export function toPages<Item extends { readonly body: string }>(items: readonly Item[]): Item[][] {
  const pages: Item[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    bytes += item.body.length;
    if (bytes > PAGE_BYTES) {
      pages.push([]);
      bytes = item.body.length;
    }
    pages.at(-1)?.push(item);
  }
  return pages;
}
