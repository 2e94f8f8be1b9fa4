import { describe, expect, test } from '@jest/globals';
import { isMachine } from './machine.js';

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';
const by = (headers: Record<string, string>, method = 'GET') =>
  isMachine({ method, headers: { 'user-agent': CHROME, ...headers } });

describe('a request is of a person', () => {
  test.each([
    CHROME,
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1',
    'Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
    'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0',
  ])('with %s', (userAgent) => {
    expect(by({ 'user-agent': userAgent })).toBe(false);
  });
});

describe('a request is of a program', () => {
  test.each([
    [{ purpose: 'prefetch' }],
    [{ 'sec-purpose': 'prefetch;prerender' }],
    [{ 'x-purpose': 'preview' }],
    [{ 'x-moz': 'prefetch' }],
    [{ 'user-agent': '' }],
    [{ 'user-agent': 'Mozilla/5.0' }],
    [
      {
        'user-agent':
          'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)',
      },
    ],
    [{ 'user-agent': 'YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html' }],
    [{ 'user-agent': 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)' }],
    [{ 'user-agent': 'facebookexternalhit/1.1' }],
    [{ 'user-agent': 'curl/8.5.0' }],
  ])('with %j', (headers) => {
    expect(by(headers)).toBe(true);
  });

  test('when it only asks whether the address is there', () => {
    expect(by({}, 'HEAD')).toBe(true);
  });
});
