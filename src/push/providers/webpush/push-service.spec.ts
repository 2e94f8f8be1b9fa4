import { describe, expect, test } from '@jest/globals';
import { isPrivateAddress } from './ssrf-safe-agent.js';
import { pushServiceOf } from './push-service.js';

describe('the push service of an endpoint', () => {
  test.each([
    ['https://fcm.googleapis.com/fcm/send/x', 'fcm.googleapis.com'],
    ['https://FCM.googleapis.com:443/wp/x', 'fcm.googleapis.com'],
    ['https://updates.push.services.mozilla.com/wpush/v2/x', 'push.services.mozilla.com'],
    ['https://web.push.apple.com/x', 'push.apple.com'],
    ['https://wns2-par02p.notify.windows.com/w/?token=x', 'notify.windows.com'],
  ])('%s belongs to %s', (endpoint, entry) => {
    expect(pushServiceOf(endpoint, undefined)).toMatchObject({ entry, isListedHost: false });
  });

  test.each([
    'http://fcm.googleapis.com/x',
    'https://fcm.googleapis.com:8443/x',
    'https://evilfcm.googleapis.com.evil.example/x',
    'https://evilpush.apple.com/x',
    'https://fcm.googleapis.com./x',
    'https://fcm.googleapis.com@evil.example/x',
    'https://evil.example/?fcm.googleapis.com',
    'https://evil.example#.push.apple.com',
    'https://evil.example\\.push.apple.com/x',
    'https://127.0.0.1/x',
    'https://0x7f000001/x',
    'https://[::ffff:127.0.0.1]/x',
    'ftp://fcm.googleapis.com/x',
    '//fcm.googleapis.com/x',
    '',
  ])('%s is refused', (endpoint) => {
    expect(pushServiceOf(endpoint, undefined)).toBeUndefined();
  });

  test('the operator’s list replaces the known services, and a port in it must match', () => {
    const listed = ['push.inner.example', 'localhost:8443', '0.0.1'];
    expect(pushServiceOf('https://push.inner.example/x', listed)).toMatchObject({ isListedHost: true });
    expect(pushServiceOf('https://a.push.inner.example/x', listed)).toMatchObject({ isListedHost: false });
    expect(pushServiceOf('https://localhost:8443/x', listed)).toMatchObject({ entry: 'localhost:8443' });
    expect(pushServiceOf('https://localhost/x', listed)).toBeUndefined();
    expect(pushServiceOf('https://127.0.0.1/x', listed)).toBeUndefined();
    expect(pushServiceOf('https://fcm.googleapis.com/x', listed)).toBeUndefined();
  });
});

describe('the addresses that a name resolves to', () => {
  test.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.31.0.1', '192.168.1.1'],
    ...['224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:10.0.0.1', '::ffff:7f00:1', '64:ff9b::a00:1'],
    ...['fc00::1', 'fd12::1', 'fe80::1', 'ff02::1', '2002:7f00:1::', 'no address'],
  ])('%s is private', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  test.each(['8.8.8.8', '17.57.144.1', '172.32.0.1', '2a00:1450:4001::200a'])('%s is public', (address) => {
    expect(isPrivateAddress(address)).toBe(false);
  });
});
