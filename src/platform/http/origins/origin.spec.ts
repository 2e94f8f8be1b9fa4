import { expect, test } from '@jest/globals';
import { isLocalOrigin, isOriginAllowed } from './origin.js';

test.each(['http://localhost:5173', 'https://localhost', 'http://127.0.0.1:8080', 'http://[::1]:3000'])(
  '%s is a server of the own machine',
  (origin) => expect(isLocalOrigin(origin)).toBe(true),
);

test.each(['null', '', 'http://localhost.example.com', 'http://127.0.0.2', 'file://localhost', 'localhost'])(
  '%s is not',
  (origin) => expect(isLocalOrigin(origin)).toBe(false),
);

test('an origin is allowed by its exact name, or as that of the page of the node itself', () => {
  const allowed = ['https://app.example.com'];
  const isAllowed = (origin?: string) => isOriginAllowed({ origin, host: 'usher.example.com' }, allowed);
  expect([undefined, 'https://app.example.com', 'https://usher.example.com'].map(isAllowed)).toEqual([
    true,
    true,
    true,
  ]);
  expect(
    ['null', 'http://app.example.com', 'https://app.example.com:8443', 'https://app.example.com.evil'].map(
      isAllowed,
    ),
  ).toEqual([false, false, false, false]);
});
