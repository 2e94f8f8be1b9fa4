/** A title on a front page, in the shape that this service's apps expect. */
export interface CatalogueItem {
  readonly showId: string;
  readonly title: string;
  readonly because: string;
}

const TITLES = [
  'Night Train to Lindau',
  'The Salt Road',
  'Signal at Dawn',
  'Paper Moons',
  'Harbour of Glass',
  'The Quiet Orbit',
  'Ashes of Spring',
  'Northern Wire',
  'A House of Rain',
  'Velvet Static',
  'The Ninth Lantern',
  'Low Tide',
  'Clockmaker Street',
  'Wolves of the Delta',
  'Copper Sky',
  'The Last Projection',
  'Inland Sea',
  'Small Hours',
  'Kites over Tbilisi',
  'The Cartographer',
];
const REASONS = [
  'New tonight',
  'Because you watch thrillers',
  'Loved near you',
  'Finish it this week',
  'Critics’ choice',
];
const ITEMS_PER_PAGE = 12;

/** A front page: a random choice of the titles, the same for the same seed. */
export function demoFrontPage(seed: number): CatalogueItem[] {
  const random = randomSequence(seed);
  const remaining = [...TITLES];
  return Array.from({ length: ITEMS_PER_PAGE }, () => {
    const [title = ''] = remaining.splice(Math.floor(random() * remaining.length), 1);
    return { showId: idOf(title), title, because: REASONS[Math.floor(random() * REASONS.length)] ?? '' };
  });
}

const idOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z]+/g, '-')
    .replace(/^-|-$/g, '');

/** Numbers from 0 up to but not including 1, the same for the same seed (mulberry32). */
function randomSequence(seed: number): () => number {
  let state = seed % 4_294_967_296;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
