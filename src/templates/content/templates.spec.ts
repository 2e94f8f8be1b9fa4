import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DataNode, LocaleWords, TemplateChannel, TemplateSource } from '../template.js';
import { BUILT_IN_TEMPLATES } from './built-in-templates.js';
import { checkTemplate } from './check-template.js';
import { compileInThread, MjmlCompilerService } from '../publishing/mjml-compiler.service.js';
import { plainWordsOf } from './plain-words.js';

const text: DataNode = { type: 'string' };
const DATA: DataNode = {
  type: 'object',
  required: ['name', 'plan', 'items'],
  properties: {
    name: text,
    plan: { type: 'object', required: ['id'], properties: { id: text, note: text } },
    items: { type: 'array', items: { type: 'object', required: ['title'], properties: { title: text } } },
    coupon: text,
    end: { type: ['string', 'null'], default: null },
  },
};
const EXAMPLE = {
  name: 'Ada',
  plan: { id: 'duo', note: 'n' },
  items: [{ title: 'One' }, { title: 'Two' }],
  coupon: 'c',
};
const template = (en: LocaleWords, more: Partial<TemplateSource> = {}): TemplateSource => ({
  data: DATA,
  example: EXAMPLE,
  defaultLocale: 'en',
  locales: { en },
  ...more,
});
const sms = (words: string) => ({ sms: { text: words } });

function compiled(source: TemplateSource | undefined) {
  const checked = source && checkTemplate(source);
  if (!checked || 'faults' in checked) throw new Error(JSON.stringify(checked));
  return checked.template;
}
function print(
  source: TemplateSource | undefined,
  channel: TemplateChannel,
  locale: string | null,
  data: unknown,
): unknown {
  const found = compiled(source);
  const checked = found.check(data);
  if ('faults' in checked) throw new Error(JSON.stringify(checked.faults));
  return found.render(channel, locale, checked.data)?.words;
}
const faultsIn = (source: TemplateSource): string[] => {
  const checked = checkTemplate(source);
  return 'faults' in checked ? checked.faults.map(({ at, message }) => `${at} ${message}`) : [];
};

describe('the words that Usher brings along', () => {
  test.each([...BUILT_IN_TEMPLATES])('of %s have no fault', (_, source) => {
    expect(faultsIn(source)).toEqual([]);
  });

  test('of a membership name its status, in the language of the reader', () => {
    const of = (data: object, locale: string) =>
      print(BUILT_IN_TEMPLATES.get('membership.changed'), 'push', locale, data);
    expect(of({ status: 'canceled' }, 'de-AT')).toEqual({
      title: 'Deine Mitgliedschaft',
      body: 'Deine Mitgliedschaft ist beendet.',
    });
    const ending = { status: 'active', cancelAt: '2026-12-01T00:00:00.000Z' };
    expect(of(ending, 'en')).toMatchObject({ body: 'Your membership ends with the paid period.' });
    expect(of({ status: 'active' }, 'en')).toMatchObject({ body: 'Your plan is active.' });
    expect(of({ status: 'past_due' }, 'en-GB')).toMatchObject({ body: expect.stringContaining('payment') });
    expect(of({ status: 'none' }, 'en')).toMatchObject({ body: 'Something has changed.' });
  });

  test.each(['fi', 'den', 'de_DE', 'no tag at all', null])(
    'are English for a reader whose locale is %s',
    (locale) => {
      expect(print(BUILT_IN_TEMPLATES.get('recommendations.ready'), 'push', locale, {})).toMatchObject({
        title: 'New for you',
      });
    },
  );

  test('of a digest print whatever its events have, and no more than three titles in a push', () => {
    const digest = BUILT_IN_TEMPLATES.get('digest');
    const of = (count: number, titles: (string | undefined)[], isCounted = true) =>
      print(digest, 'push', 'en', {
        ...{ digest: 'evening', localDate: '2026-11-26', count, isCounted },
        items: titles.map((title, n) => ({
          id: `${n}`,
          type: 't',
          key: 'k',
          at: 'a',
          ...(title && { title }),
        })),
      });
    expect(of(1, ['Free week'])).toEqual({ title: 'Free week', body: 'Free week' });
    expect(of(1, [undefined])).toEqual({ title: '1 new for you', body: '' });
    expect(of(900, ['a', undefined, 'c', 'd'], false)).toEqual({ title: '900+ new for you', body: 'a · c' });
    const title = fc.string({ unit: 'grapheme', maxLength: 200 });
    const item = fc.record(
      { id: title, type: title, key: title, at: title, group: title, title, text: title },
      { requiredKeys: ['id', 'type', 'key', 'at'] },
    );
    const data = fc.record({
      digest: title,
      localDate: title,
      count: fc.nat(),
      isCounted: fc.boolean(),
      items: fc.array(item),
    });
    fc.assert(
      fc.property(data, fc.constantFrom<TemplateChannel>('push', 'sms', 'email'), (one, channel) => {
        expect(print(digest, channel, 'de', one)).toBeDefined();
      }),
      { numRuns: 30 },
    );
  });
});

describe('the words of an event without a template', () => {
  test('are taken from its data, and nothing in them is a template', () => {
    expect(plainWordsOf({ title: '{{secret}} <b>', text: 'A %s ${x}' })).toEqual({
      title: '{{secret}} <b>',
      body: 'A %s ${x}',
    });
  });

  test.each([{}, null, [], 'text', { title: 7, body: {} }, { title: '  ' }])(
    'are undefined for %j',
    (data) => {
      expect(plainWordsOf(data)).toBeUndefined();
    },
  );
});

test('the words are those of the nearest language that has the channel: pt-BR, pt, then the default one', () => {
  const source = template(sms('en'), {
    locales: { en: { ...sms('en'), push: { title: 'en', body: 'en' } }, pt: sms('pt'), 'zh-Hant': sms('zh') },
  });
  const of = (locale: string) => print(source, 'sms', locale, EXAMPLE);
  expect(['pt-BR', 'PT-br', 'pt', 'zh-Hant-TW', 'zh-TW', 'en-GB', 'x'].map(of)).toEqual(
    ['pt', 'pt', 'pt', 'zh', 'en', 'en', 'en'].map((words) => ({ text: words })),
  );
  expect(print(source, 'push', 'pt-BR', EXAMPLE)).toEqual({ title: 'en', body: 'en' });
});

describe('a template is refused for a value that may be missing', () => {
  test.each([
    ['that nothing says is there', '{{ nam }}', 'nam is not in the schema'],
    ['in a branch that the example never takes', '{% if name == "x" %}{{ nam }}{% endif %}', 'nam is not'],
    ['in a condition', '{% if nam %}a{% endif %}', 'nam is not'],
    ['in another case', '{% case name %}{% when nam %}a{% endcase %}', 'nam is not'],
    ['that is optional', '{{ coupon }}', 'coupon may be missing'],
    ['that is optional, in an object', '{{ plan.note }}', 'plan.note may be missing'],
    [
      'that is optional, although the words ask for it',
      '{% if coupon %}{{ coupon }}{% endif %}',
      'coupon may be missing',
    ],
    [
      'of what a loop goes through',
      '{% for item in items %}{{ item.titel }}{% endfor %}',
      'item.titel is not',
    ],
    ['of a loop, behind it', '{% for item in items %}{% endfor %}{{ item.title }}', 'item.title is not'],
    ['in an argument of a filter', '{{ name | append: nam }}', 'nam is not'],
    ['in a range', '{% for n in (1..nam) %}{% endfor %}', 'nam is not'],
    ['as the key of another', '{{ plan[nam] }}', 'nam is not'],
    ['of an array that may be empty', '{{ items[0].title }}', 'may be missing'],
    ['of an array that may be empty, by its name', '{{ items.first.title }}', 'may be missing'],
    ['within one that may be null', '{{ end.year }}', 'may be null'],
    ['that is assigned in one branch', '{% if name %}{% assign x = 1 %}{% endif %}{{ x }}', 'x is not'],
    ['that every object of JavaScript has', '{{ plan.constructor }}{{ __proto__ }}', 'is not in the schema'],
    ['that is an object', '{{ plan }}', 'cannot be printed'],
    ['that is an array', '{% assign a = items %}{{ a }}', 'cannot be assigned'],
  ])('%s', (_, words, fault) => {
    expect(faultsIn(template(sms(`Hello ${words}`)))).toEqual(
      expect.arrayContaining([expect.stringMatching(new RegExp(`^locales\\.en\\.sms\\.text:1 .*${fault}`))]),
    );
  });

  test('and not for one that has a default, or that the schema requires', () => {
    const words = `{{ name | upcase }} {{ plan.id }} {{ items.size }} {% if end %}{{ end }}{% endif %}
      {% assign gap = '' %}{% for item in items %}{{ gap }}{{ item.title }}{{ forloop.index }}{% assign gap = ', ' %}{% endfor %}`;
    expect(faultsIn(template(sms(words)))).toEqual([]);
    expect(print(template(sms(words)), 'sms', null, { name: 'ada', plan: { id: 'duo' }, items: [] })).toEqual(
      { text: 'ADA duo 0' },
    );
  });

  test('in data: what does not fit is named, and nothing is printed', () => {
    const check = (data: unknown) => compiled(template(sms('{{ name }}'))).check(data);
    expect(check({ name: 'Ada', plan: { id: 'duo' } })).toEqual({
      faults: [{ at: 'data.items', message: expect.any(String) }],
    });
    for (const data of [
      null,
      [],
      'x',
      7,
      { ...EXAMPLE, name: null },
      { ...EXAMPLE, items: [{}] },
      { ...EXAMPLE, end: 7 },
    ])
      expect(check(data)).toHaveProperty('faults');
  });
});

describe('a template is refused', () => {
  const ofDefault = (data: DataNode) => template(sms('a'), { data, example: {} });
  test.each<[string, TemplateSource, string]>([
    [
      'whose default language lacks what another has',
      template(sms('a'), { locales: { en: sms('a'), de: { push: { title: 'a', body: 'b' } } } }),
      'locales.en.push is missing',
    ],
    ['without its default language', template(sms('a'), { defaultLocale: 'fr' }), 'locales.fr is missing'],
    ['without words', template({}), 'has words for no channel'],
    ['whose example does not fit', template(sms('a'), { example: { name: 7 } }), 'example.name'],
    ['that prints nothing', template(sms('{% if end %}a{% endif %}')), 'prints nothing with the example'],
    ['whose schema is of no object', ofDefault({ type: 'string' }), 'must be of the type object'],
    ['that requires what it does not describe', ofDefault({ type: 'object', required: ['x'] }), 'requires x'],
    [
      'with a default that does not fit',
      ofDefault({ type: 'object', properties: { x: { type: 'string', default: 7 } } }),
      'data.properties.x.default does not fit',
    ],
    [
      'whose schema speaks of thousands of values',
      ofDefault(
        Array.from({ length: 7 }).reduce<DataNode>(
          (inner) => ({ type: ['object', 'null'], default: null, properties: { inner } }),
          {
            type: 'object',
            properties: Object.fromEntries(
              Array.from({ length: 2_000 }, (_, n) => [`p${n}`, { type: 'string' } as const]),
            ),
          },
        ),
      ),
      'speaks of more than 1000 values',
    ],
    [
      'with an array of nothing',
      ofDefault({ type: 'object', properties: { x: { type: 'array' } } }),
      'is an array without items',
    ],
  ])('%s', (_, source, fault) => {
    expect(faultsIn(source).join('\n')).toContain(fault);
  });

  test.each([
    ['a tag that is not closed, with its line', 'a\nb {% if name %}', 'text:2'],
    ['a loop over a hundred million', '{% for n in (1..100000000) %}a{% endfor %}', 'limit exceeded'],
    [
      'loops in loops that print nothing',
      `${'{% for n in (1..9999) %}'.repeat(4)}${'{% endfor %}'.repeat(4)}a`,
      'takes more than 20000 steps',
    ],
    [
      'loops in loops that print 10 MB',
      `${'{% for n in (1..999) %}'.repeat(3)}${'x'.repeat(99)}${'{% endfor %}'.repeat(3)}`,
      'prints more than 20000 characters',
    ],
    [
      'a value that doubles in each turn',
      `{% assign a = 'aaaaaaaa' %}{% for n in (1..99) %}{% assign a = a | append: a %}{% endfor %}{{ a }}`,
      'limit exceeded',
    ],
    [
      'a date of 99,999,999 digits',
      `{{ name | date: '%99999999Y' }}{{ 'now' | date: '%99999999Y' }}`,
      'limit exceeded',
    ],
    [
      'thousands of conditions in each other',
      `${'{% if name %}'.repeat(4_000)}a${'{% endif %}'.repeat(4_000)}`,
      'call stack',
    ],
    ['hundreds of filters', `{{ '%' ${'| url_encode '.repeat(400)}| size }}`, 'more than 20 filters'],
    [
      'thousands of operators',
      `{% if name ${'or name '.repeat(3_000)}%}a{% endif %}`,
      'operators and operands',
    ],
    ['an array that is searched', `{% if items contains 'a' %}a{% endif %}`, 'an array cannot be compared'],
    [
      'an array that is compared',
      `{% case items %}{% when items %}a{% endcase %}`,
      'an array cannot be compared',
    ],
    [
      'conditions of one tag, again and again',
      `{% for n in (1..999) %}{% if 1 == 2 %}${'{% elsif 1 == 2 %}a'.repeat(500)}{% endif %}{% endfor %}a`,
      'takes more than 20000 steps',
    ],
    [
      'values of one case, again and again',
      `{% for n in (1..999) %}{% case n %}{% when ${Array.from({ length: 900 }, () => "'a'").join(', ')} %}a{% endcase %}{% endfor %}a`,
      'takes more than 20000 steps',
    ],
    [
      'long values in filters, again and again',
      `{% for n in (1..99) %}{% assign a = '${'%'.repeat(9_000)}' | url_encode | size %}{% endfor %}a`,
      'takes more than 20000 steps',
    ],
    [
      'thousands of variables',
      Array.from({ length: 3_300 }, (_, n) => `{% assign a${n} = 1 %}`).join(''),
      'more than 200 variables',
    ],
    ['a text that is too long', 'x'.repeat(100_001), 'limit exceeded'],
    ['itself', `{% render 'promo.started' %}`, 'render'],
    ['a file', `{% include '/etc/passwd' %}`, 'include'],
    ['a layout', `{% layout 'x' %}`, 'layout'],
    ['a way around escaping', `{{ name | raw }}`, 'undefined filter: raw'],
    ['a tag that prints without escaping', `{% cycle name %}`, 'cycle'],
    ['a filter that nobody knows', `{{ name | shout }}`, 'undefined filter: shout'],
  ])('for %s', (_, words, fault) => {
    expect(faultsIn(template(sms(words))).join('\n')).toContain(fault);
  });
});

describe('a mail', () => {
  const mail = (words: Partial<LocaleWords['email']>) =>
    template({ email: { subject: 'Hello {{ name }}', text: 'Hello {{ name }}', ...words } });
  const nasty = { ...EXAMPLE, name: `<script>"'&` };

  test('escapes in HTML what comes from data, and in its text and subject nothing', () => {
    expect(
      print(mail({ html: `<b title="{{ name }}">{{ name | append: '<' }}</b>` }), 'email', 'en', nasty),
    ).toEqual({
      subject: `Hello <script>"'&`,
      text: `Hello <script>"'&`,
      html: '<b title="&lt;script&gt;&quot;&#39;&amp;">&lt;script&gt;&quot;&#39;&amp;&lt;</b>',
    });
  });

  test('has no header that a value brings along: line breaks become spaces', () => {
    for (const line of ['\r\n', '\n', '\r', '\u2028', '\u0085', '\0']) {
      const words = print(mail({}), 'email', 'en', { ...EXAMPLE, name: `Ada${line}Bcc: eve@example.com` });
      expect(words).toMatchObject({ subject: 'Hello Ada Bcc: eve@example.com' });
    }
  });

  test('in MJML becomes HTML once, with its variables; and it reads no file', async () => {
    const page = (inner: string) =>
      `<mjml><mj-body><mj-section><mj-column>${inner}</mj-column></mj-section></mj-body></mjml>`;
    const [good, including, wrong, none, deep] = await new MjmlCompilerService().compile([
      page(`<mj-text>Hello {{ name }}</mj-text><mj-button href="https://example.com/?a={{ plan.id | url_encode }}">Go</mj-button>
        <mj-raw>{% for item in items %}</mj-raw><mj-text>{{ item.title }}</mj-text><mj-raw>{% endfor %}</mj-raw>`),
      page('<mj-include path="/etc/passwd" />'),
      page('<mj-txt>a</mj-txt>'),
      'no MJML',
      `<mjml><mj-body>${'<mj-section>'.repeat(8_000)}`,
    ]);
    const html = good && 'html' in good ? good.html : '';
    expect(print(mail({ html }), 'email', 'en', nasty)).toMatchObject({
      html: expect.stringMatching(
        /Hello &lt;script&gt;[^]*href="https:\/\/example.com\/\?a=duo"[^]*One[^]*Two/,
      ),
    });
    expect(JSON.stringify(including)).not.toContain('root:');
    expect(wrong).toEqual({ errors: [{ line: 1, message: expect.stringContaining('mj-txt') }] });
    for (const one of [none, deep]) expect(one).toHaveProperty('errors');
  });

  test('in MJML that takes too long is ended', async () => {
    await expect(compileInThread(['<mjml></mjml>'], 1)).rejects.toThrow('takes longer than 0.001 s');
  });
});
