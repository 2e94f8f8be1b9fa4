import { describe, expect, test } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { clientAddressBehind, networkOf } from './client-address.js';

const from = (remoteAddress: string, forwardedFor?: string) =>
  ({
    socket: { remoteAddress },
    connection: { remoteAddress },
    headers: { 'x-forwarded-for': forwardedFor },
  }) as unknown as IncomingMessage;

describe("a client's address", () => {
  test('is the other end of the connection, whatever a header claims, when that is no proxy of ours', () => {
    expect(clientAddressBehind(['loopback'])(from('192.0.2.1', '203.0.113.9'))).toBe('192.0.2.1');
    expect(clientAddressBehind([])(from('127.0.0.1', '203.0.113.9'))).toBe('127.0.0.1');
  });

  test('is what the outermost of our proxies saw; what the client wrote itself stands before that', () => {
    const header = '198.51.100.99, 203.0.113.9, 10.0.0.2';
    expect(clientAddressBehind(['loopback', '10.0.0.0/8'])(from('127.0.0.1', header))).toBe('203.0.113.9');
    expect(clientAddressBehind(['loopback'])(from('127.0.0.1', header))).toBe('10.0.0.2');
    expect(clientAddressBehind(['loopback'])(from('127.0.0.1'))).toBe('127.0.0.1');
  });

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:DB8:0:1:aaaa:bbbb:cccc:dddd', '2001:db8:0:1'],
    ['2001:db8:0:1::7', '2001:db8:0:1'],
    ['2001:db8::7', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    [undefined, ''],
  ])('%s counts as %s: a network of IPv6 is one caller', (ip, key) => {
    expect(networkOf(ip)).toBe(key);
  });
});
