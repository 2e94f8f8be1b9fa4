import { expect } from '@jest/globals';
import type { HttpReply } from './drivers/back-office.js';

/** Expects an error response as RFC 9457 and docs/CONTRACT.md define it: the status, a stable code, and whether to retry. */
export function expectProblem(reply: HttpReply, status: number, code: string, retryable = false): void {
  expect(reply.body).toMatchObject({
    status,
    code,
    retryable,
    type: expect.any(String),
    title: expect.any(String),
  });
  expect(reply.status).toBe(status);
  expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/);
}

/** Expects that the text contains none of the secrets. Prints only the names of those that it contains. */
export function expectNoSecrets(secrets: Readonly<Record<string, string>>, text: string): void {
  const found = Object.entries(secrets).filter(([, secret]) => text.includes(secret));
  expect(found.map(([name]) => name)).toEqual([]);
}
