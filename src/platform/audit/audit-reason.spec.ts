import { describe, expect, test } from '@jest/globals';
import { readReason } from './audit-reason.js';

describe('a reason', () => {
  test.each([
    ['plain ASCII', 'case 4711', 'case 4711'],
    ['UTF-8, which Node reads as Latin-1', Buffer.from('Zoë 日本').toString('latin1'), 'Zoë 日本'],
    ['Latin-1', 'Zo\u00EB', 'Zoë'],
    ['encoded as in RFC 8187', "UTF-8'en'%E6%97%A5%20x", '日 x'],
    ['surrounded by white space', '  x ', 'x'],
    ['500 characters long', 'x'.repeat(500), 'x'.repeat(500)],
  ])('may be %s', (_, header, reason) => expect(readReason(header)).toBe(reason));

  test.each([
    ['empty', ' '],
    ['longer', 'x'.repeat(501)],
    ['with a line end', "UTF-8''a%0Ab"],
    ['wrongly encoded', "UTF-8''%E6%97"],
  ])('is refused when it is %s', (_, header) =>
    expect(() => readReason(header)).toThrow(expect.objectContaining({ code: 'invalid_request' })),
  );
});
