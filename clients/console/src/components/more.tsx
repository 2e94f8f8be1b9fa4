import type { Pages } from '../api/use-pages.js';

/** The button that reads the next page of a list. */
export function More<Item>({ pages: { readMore }, label = 'More' }: { pages: Pages<Item>; label?: string }) {
  if (!readMore) return null;
  return (
    <button type="button" className="more" onClick={readMore}>
      {label}
    </button>
  );
}
