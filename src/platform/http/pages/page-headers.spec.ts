import { expect, test } from '@jest/globals';
import { pageHeaders } from './page-headers.js';

const policy = (host: string | undefined) => pageHeaders(host)['Content-Security-Policy'] ?? '';

test('the page may open WebSockets to the host that it was loaded from', () => {
  expect(policy('localhost:3000')).toContain("connect-src 'self' ws://localhost:3000 wss://localhost:3000;");
});

test('a Host header cannot add directives to the policy', () => {
  for (const host of ['a; script-src *', 'a b', "'unsafe-inline'", '', undefined]) {
    expect(policy(host)).toContain("connect-src 'self';");
  }
});
