import { describe, expect, test } from '@jest/globals';
import { clientAddress } from './client-address.js';

const from = (remoteAddress: string, forwardedFor?: string | string[]) => ({ remoteAddress, forwardedFor });

describe("a client's address", () => {
  test('is the other end of the connection, whatever a header claims, without trusted proxies', () => {
    expect(clientAddress(from('192.0.2.1', '203.0.113.9'), 0)).toBe('192.0.2.1');
  });

  test('is what the outermost trusted proxy saw', () => {
    const header = '10.9.9.9, 203.0.113.9, 198.51.100.2';
    expect(clientAddress(from('192.0.2.1', header), 1)).toBe('198.51.100.2');
    expect(clientAddress(from('192.0.2.1', header), 2)).toBe('203.0.113.9');
    expect(clientAddress(from('192.0.2.1', ['203.0.113.9']), 1)).toBe('203.0.113.9');
    expect(clientAddress(from('192.0.2.1'), 1)).toBe('192.0.2.1');
  });

  test.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ])('%s counts as %s', (address, expected) => {
    expect(clientAddress(from(address), 0)).toBe(expected);
  });
});
