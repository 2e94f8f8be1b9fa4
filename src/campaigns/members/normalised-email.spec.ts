import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { normalisedEmail, WITH_TAGS } from './normalised-email.js';

const DOTLESS = new Set(['gmail.com', 'googlemail.com']);
const OTHERS = ['example.com', 'firma.de', 'uni.edu'];

describe('addresses of one mailbox are the same', () => {
  test.each([
    ['Ada@Example.com', 'ada@example.com'],
    ['  ada@example.com\t', 'ada@example.com'],
    ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
    ['ada@XN--BCHER-KVA.example', 'ada@bücher.example'],
    ['a.d.a@gmail.com', 'ada@gmail.com'],
    ['ada+news@gmail.com', 'ada@gmail.com'],
    ['Ada@googlemail.com', 'a.da+x@gmail.com'],
    ['ada+shop@outlook.com', 'ada@outlook.com'],
    ['ada+a+b@icloud.com', 'ada@icloud.com'],
    ['zoe\u0308@example.com', 'zo\u00eb@example.com'],
  ])('%s and %s', (one, other) => {
    expect(normalisedEmail(one)).toBe(normalisedEmail(other));
  });
});

describe('addresses that may be two people’s are not', () => {
  test.each([
    ['a.da@example.com', 'ada@example.com'],
    ['ada+news@example.com', 'ada@example.com'],
    ['a.da@outlook.com', 'ada@outlook.com'],
    ['ada@gmail.com', 'ada@example.com'],
    ['ada@gmail.com', 'ada@gmail.com.example'],
    ['+one@gmail.com', '+two@gmail.com'],
  ])('%s and %s', (one, other) => {
    expect(normalisedEmail(one)).not.toBe(normalisedEmail(other));
  });
});

const word = fc.stringMatching(/^[a-z0-9]{1,12}$/);
const local = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('.'));
const address = fc
  .tuple(local, fc.option(word), fc.constantFrom(...WITH_TAGS, ...OTHERS))
  .map(([name, tag, domain]) => ({
    name,
    tag,
    domain,
    text: `${name}${tag === null ? '' : `+${tag}`}@${domain}`,
  }));
const shouted = (text: string) => `\n ${text.toUpperCase()} `;

test('the normal form of a normal form is the same, and case and white space around it never matter', () => {
  fc.assert(
    fc.property(address, ({ text }) => {
      const normal = normalisedEmail(text);
      expect(normalisedEmail(normal)).toBe(normal);
      expect(normalisedEmail(shouted(text))).toBe(normal);
    }),
  );
});

test('a tag is cut for the named domains alone, and dots go for those of Google alone', () => {
  fc.assert(
    fc.property(address, ({ name, tag, domain, text }) => {
      const [kept, host] = normalisedEmail(text).split('@');
      const isDotless = DOTLESS.has(domain);
      const expected = isDotless ? name.replaceAll('.', '') : name;
      expect(kept).toBe(WITH_TAGS.includes(domain) || tag === null ? expected : `${expected}+${tag}`);
      expect(host).toBe(isDotless ? 'gmail.com' : domain);
    }),
  );
});

test('whatever is given, something comes back and nothing is thrown', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof normalisedEmail(text) === 'string'));
});
