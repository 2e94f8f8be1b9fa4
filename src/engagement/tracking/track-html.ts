import { load } from 'cheerio';

/** Links of one mail that are counted; those after them stay as they are. */
const MAX_LINKS = 200;

/** Makes the addresses that replace those in a mail. */
export interface TrackingAddresses {
  /** For the link with this number, from 1. Undefined: it stays as it is. */
  linkFor(url: string, place: number): string | undefined;
  readonly pixel: string;
}

/**
 * Returns the HTML of a mail in which web links lead to ours, and an invisible image is last. Links marked `data-untracked` stay as they are, and so does whatever is
 * no web link.
 */
export function trackHtml(html: string, addresses: TrackingAddresses): string {
  const isDocument = /<(html|body)[\s>]/i.test(html);
  const $ = load(html, null, isDocument);
  let place = 0;
  for (const element of $('a[href]').slice(0, MAX_LINKS)) {
    const link = $(element);
    const url = (link.attr('href') ?? '').trim();
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url) || link.attr('data-untracked') !== undefined)
      continue;
    place += 1;
    const ours = addresses.linkFor(url, place);
    if (ours !== undefined) link.attr('href', ours);
  }
  const pixel = $('<img width="1" height="1" alt="" style="border:0">').attr('src', addresses.pixel);
  if (isDocument) $('body').append(pixel);
  else $.root().append(pixel);
  return $.html();
}
