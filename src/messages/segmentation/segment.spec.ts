import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SegmentedMessage } from 'sms-segments-calculator';
import { encodingOf, type Joining, segment } from './segment.js';

const digits = (count: number) => '1234567890'.repeat(Math.ceil(count / 10)).slice(0, count);
const sizes = (text: string, joining: Joining) => segment(text, joining).parts.map((part) => part.length);
/** Encoding and parts by the public calculator of Twilio. */
function calculatedByTwilio(text: string): [string, number] {
  const { encodingName, segmentsCount } = new SegmentedMessage(text, 'auto');
  return [encodingName, segmentsCount];
}

describe('parts that the carrier joins', () => {
  test.each([
    ['nothing', '', 'GSM-7', 0, 1],
    ['160 characters', digits(160), 'GSM-7', 160, 1],
    ['161 characters', digits(161), 'GSM-7', 161, 2],
    ['306 characters, two full parts', digits(306), 'GSM-7', 306, 2],
    ['307 characters', digits(307), 'GSM-7', 307, 3],
    ['80 characters of the extension, two units each', '€'.repeat(80), 'GSM-7', 160, 1],
    [
      '81 of them: 76 to a part, for the escape is not cut from its character',
      '€'.repeat(81),
      'GSM-7',
      162,
      2,
    ],
    ['153 euro signs take three parts of 76', '€'.repeat(153), 'GSM-7', 306, 3],
    ['all of the alphabet', '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà', 'GSM-7', 44, 1],
    ['line ends', 'a\r\nb\n', 'GSM-7', 5, 1],
    ['70 characters that GSM-7 lacks', 'я'.repeat(70), 'UCS-2', 70, 1],
    ['71 of them', 'я'.repeat(71), 'UCS-2', 71, 2],
    ['134 of them, two full parts', 'я'.repeat(134), 'UCS-2', 134, 2],
    ['135 of them', 'я'.repeat(135), 'UCS-2', 135, 3],
    ['one such among 69 others', `${digits(69)}ç`, 'UCS-2', 70, 1],
    ['one such among 70 others', `${digits(70)}ç`, 'UCS-2', 71, 2],
    ['a curly quotation mark', '“', 'UCS-2', 1, 1],
    ['the letter with which GSM-7 has only the capital', 'ç', 'UCS-2', 1, 1],
    ['35 emoji of two units', '😀'.repeat(35), 'UCS-2', 70, 1],
    ['36 of them: 33 to a part, since none is cut', '😀'.repeat(36), 'UCS-2', 72, 2],
    ['a family, which is one grapheme of 11 units', '👨‍👩‍👧‍👦', 'UCS-2', 11, 1],
    ['66 letters and a flag of four units', `${'я'.repeat(67)}🇩🇪`, 'UCS-2', 71, 2],
  ])('%s', (_, text, encoding, units, parts) => {
    const segmented = segment(text, 'carrier');
    expect([segmented.encoding, segmented.units, segmented.parts.length]).toEqual([encoding, units, parts]);
    expect(calculatedByTwilio(text)).toEqual([encoding, parts]);
  });

  test('are as many as Twilio’s own calculator says, whatever the text', () => {
    const characters = fc.constantFrom(
      'a',
      '1',
      'ß',
      '€',
      '{',
      '\n',
      '\f',
      'ç',
      'я',
      '“',
      '\r\n',
      '😀',
      '🇩🇪',
      '👨‍👩‍👧‍👦',
      'é',
    );
    const mixed = fc.array(characters, { maxLength: 400 }).map((all) => all.join(''));
    fc.assert(
      fc.property(mixed, (text) => {
        const { encoding, parts } = segment(text, 'carrier');
        expect([encoding, parts.length]).toEqual(calculatedByTwilio(text));
      }),
      { numRuns: 100 },
    );
  });

  test('a grapheme goes to the next part as a whole', () => {
    const family = '👨‍👩‍👧‍👦';
    expect(segment(`${'я'.repeat(60)}${family}`, 'carrier').parts).toEqual(['я'.repeat(60), family]);
  });

  test('a letter with a hundred marks is cut between them, and never within a pair of units', () => {
    const { parts } = segment(`a${'\u{1D165}'.repeat(100)}`, 'carrier');
    expect(parts.every((part) => !/\p{Cs}/u.test(part) && part.length <= 67)).toBe(true);
  });
});

describe('numbered parts', () => {
  test('the number is within the limit, and is there only if there are several', () => {
    expect(segment(digits(160), 'numbered').parts).toEqual([digits(160)]);
    expect(segment(digits(161), 'numbered').parts).toEqual([
      `${digits(154)} (1/2)`,
      `${digits(161).slice(154)} (2/2)`,
    ]);
    expect(sizes('я'.repeat(71), 'numbered')).toEqual([70, 13]);
  });

  test('from the ninth to the tenth part every length changes', () => {
    expect(sizes(digits(9 * 154), 'numbered')).toEqual(Array.from({ length: 9 }, () => 160));
    const ten = segment(digits(9 * 154 + 1), 'numbered').parts;
    expect(ten).toHaveLength(10);
    expect(ten[0]).toBe(`${digits(153)} (1/10)`);
    expect(ten.at(-1)).toMatch(/ \(10\/10\)$/);
  });
});

const alphabet = fc.constantFrom(
  'a',
  ' ',
  '€',
  '[',
  '\n',
  'я',
  'ç',
  '😀',
  '👨‍👩‍👧‍👦',
  '🇩🇪',
  'e\u0301',
  '\r\n',
  'क्षि',
);
const texts = fc.oneof(
  fc.array(alphabet, { maxLength: 600 }).map((all) => all.join('')),
  fc.integer({ min: 1_300, max: 1_700 }).map(digits),
  fc.integer({ min: 6_500, max: 7_000 }).map((count) => '1'.repeat(count) + 'ç'),
);
/** Where graphemes begin and end. Those of the long texts are their characters: the segmenter takes seconds to say so. */
function boundaries(text: string): ReadonlySet<number> {
  const starts = /^[0-9ç]*$/.test(text)
    ? Array.from(text).keys()
    : Array.from(new Intl.Segmenter('und').segment(text), ({ index }) => index);
  return new Set([...starts, text.length]);
}

test('whatever the text: joined, the parts are it, each fits, none ends within a grapheme, and their numbers are right', () => {
  fc.assert(
    fc.property(texts, fc.constantFrom<Joining>('carrier', 'numbered'), (text, joining) => {
      const { parts, encoding } = segment(text, joining);
      const numberOf = (n: number) =>
        joining === 'carrier' || parts.length === 1 ? '' : ` (${n + 1}/${parts.length})`;
      expect(parts.filter((part, n) => !part.endsWith(numberOf(n)))).toEqual([]);
      const bare = parts.map((part, n) => part.slice(0, part.length - numberOf(n).length));
      expect(bare.join('')).toBe(text);
      const [alone, joined] = encoding === 'GSM-7' ? [160, 153] : [70, 67];
      const sizeOf = (part: string) =>
        encoding === 'UCS-2' ? part.length : part.length + (part.match(/[\f^{}\\[~\]|€]/g)?.length ?? 0);
      expect(Math.max(...parts.map(sizeOf))).toBeLessThanOrEqual(
        joining === 'carrier' && parts.length > 1 ? joined : alone,
      );
      const allowed = boundaries(text);
      let at = 0;
      expect(bare.filter((part) => !allowed.has((at += part.length)))).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test('a text of 20,000 letters is split in milliseconds: the time does not grow with the square of its length', () => {
  const cpu = (length: number) => {
    const before = process.cpuUsage();
    segment('я'.repeat(length), 'carrier');
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  cpu(2_000);
  expect(cpu(20_000)).toBeLessThan(40 * Math.max(cpu(2_000), 2));
});

test('the encoding is that of the hardest character', () => {
  expect(encodingOf('Grüße aus Zürich, 5 €')).toBe('GSM-7');
  expect(encodingOf('Grüße aus Zürich, 5 €…')).toBe('UCS-2');
});
