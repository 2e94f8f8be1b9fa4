import { septetsOf } from './gsm7.js';

/** How a text is encoded on its way. One character that GSM-7 lacks makes all of it UCS-2. */
export type TextEncoding = 'GSM-7' | 'UCS-2';

/** `carrier`: joins the parts to one text on the phone. `numbered`: it does not, so that each part says which one it is. */
export type Joining = 'carrier' | 'numbered';

/** A text as it is sent. */
export interface SegmentedText {
  readonly encoding: TextEncoding;
  /** Septets of GSM-7, or 16-bit units of UCS-2, without what numbers the parts. */
  readonly units: number;
  /** At least one. Joined they are the text, but for their numbers. */
  readonly parts: readonly string[];
}

/**
 * Units that a text message has room for (140 bytes), and each of several that the carrier joins: the header by which it does takes six
 * bytes of them (3GPP TS 23.040, section 9.2.3.24.1).
 */
const ROOM: Record<TextEncoding, { readonly alone: number; readonly joined: number }> = {
  'GSM-7': { alone: 160, joined: 153 },
  'UCS-2': { alone: 70, joined: 67 },
};

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Returns the parts as which a text is sent: as few as can be, none of which ends within a grapheme or an escape. */
export function segment(text: string, joining: Joining): SegmentedText {
  const encoding = encodingOf(text);
  const units = unitsOf(text, encoding);
  const { alone, joined } = ROOM[encoding];
  if (units <= alone) return { encoding, units, parts: [text] };
  const atoms = atomsOf(text, encoding);
  const parts = joining === 'carrier' ? pack(atoms, () => joined) : numbered(atoms, alone);
  return { encoding, units, parts };
}

/** Returns the encoding that the text needs. */
export const encodingOf = (text: string): TextEncoding =>
  [...text].every((character) => septetsOf(character) !== undefined) ? 'GSM-7' : 'UCS-2';

function unitsOf(text: string, encoding: TextEncoding): number {
  if (encoding === 'UCS-2') return text.length;
  return [...text].reduce((sum, character) => sum + (septetsOf(character) ?? 0), 0);
}

/** What a part may not end within, and how many units it takes. */
interface Atom {
  readonly text: string;
  readonly units: number;
}

/** A grapheme that no numbered part has room for is cut between its code points: some texts are nothing but marks on one letter. */
const MAX_GRAPHEME_UNITS = 50;

/** V8's segmenter takes time that grows with the square of a text's length: 0.3 s for 7,500 letters that are not Latin. */
const WINDOW = 512;

/** Returns the graphemes of the text, found in one window after the other. The last one of a window may go on behind it. */
function graphemesOf(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length;) {
    const isCutInPair = /[\uD800-\uDBFF]/.test(text[at + WINDOW - 1] ?? '');
    const end = at + WINDOW + Number(isCutInPair);
    const all = [...graphemes.segment(text.slice(at, end))].map((one) => one.segment);
    const whole = end >= text.length || all.length === 1 ? all : all.slice(0, -1);
    found.push(...whole);
    at += whole.reduce((sum, one) => sum + one.length, 0);
  }
  return found;
}

const atomsOf = (text: string, encoding: TextEncoding): Atom[] =>
  graphemesOf(text).flatMap((grapheme) => {
    const units = unitsOf(grapheme, encoding);
    if (units <= MAX_GRAPHEME_UNITS) return [{ text: grapheme, units }];
    return [...grapheme].map((point) => ({ text: point, units: unitsOf(point, encoding) }));
  });

/** Fills one part after the other, which makes the fewest. `roomOf`: units of part number n, from 1 on. */
function pack(atoms: readonly Atom[], roomOf: (part: number) => number): string[] {
  const parts: string[] = [];
  let current = '';
  let left = roomOf(1);
  for (const { text, units } of atoms) {
    if (units > left) {
      parts.push(current);
      current = '';
      left = roomOf(parts.length + 1);
    }
    current += text;
    left -= units;
  }
  return [...parts, current];
}

/** The number of a part, as a text ends with it: all of it is in both alphabets, a unit a character. */
const suffix = (part: number, count: number | string): string => ` (${part}/${count})`;

/**
 * Each further digit of the count takes a unit of every part, which may make more parts. There is room for so many digits that the count has
 * no more: with fewer units for each part there are never fewer parts, so that it has no fewer either.
 */
function numbered(atoms: readonly Atom[], room: number): string[] {
  for (let digits = 1; ; digits += 1) {
    const count = '9'.repeat(digits);
    const parts = pack(atoms, (part) => room - suffix(part, count).length);
    if (String(parts.length).length <= digits)
      return parts.map((text, n) => text + suffix(n + 1, parts.length));
  }
}
