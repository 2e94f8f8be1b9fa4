import { describe, expect, test } from '@jest/globals';
import { isKnownHost } from './known-host.guard.js';

describe('the demo is served', () => {
  test.each([
    'localhost',
    'localhost:3000',
    'demo.localhost:3000',
    '127.0.0.1:3000',
    '192.168.1.7',
    '[::1]:3000',
  ])('as %s, which only this machine can be', (host) => expect(isKnownHost(host, [])).toBe(true));

  test.each([
    undefined,
    '',
    'evil.example',
    'evil.example:3000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example@127.0.0.1:x',
  ])('not as %s, a name that may be rebound', (host) => expect(isKnownHost(host, [])).toBe(false));

  test('as the host of an origin that the operator allows', () => {
    expect(isKnownHost('demo.example.com:8080', ['https://demo.example.com'])).toBe(true);
  });
});
