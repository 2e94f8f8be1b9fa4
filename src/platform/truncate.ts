/** Returns the text, cut to `max` UTF-16 units with an ellipsis. Cuts between grapheme clusters, so that no emoji is halved. */
export function truncate(text: string, max: number): string {
  if (text.length <= max) return text;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text.slice(0, 2 * max))) {
    if (kept.length + segment.length > max - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
