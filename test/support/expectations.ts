import { expect } from '@jest/globals';
import type { HttpReply } from './drivers/back-office.js';
import type { TestUsher } from './drivers/usher.js';

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

/** Expects that the node logged something, but no key, no token of the tests and none of these further secrets. */
export function expectCleanLog(usher: TestUsher, further: Readonly<Record<string, string>> = {}): void {
  expect(usher.log().length).toBeGreaterThan(0);
  expectNoSecrets({ ...usher.secrets(), ...further }, usher.log());
}

/** Expects that the request leaves the user's mailbox as it was. */
export async function expectMailboxUnchanged(
  usher: TestUsher,
  userId: string,
  request: () => Promise<void>,
): Promise<void> {
  const before = (await usher.state(userId)).position.offset;
  await request();
  expect((await usher.state(userId)).position.offset).toBe(before);
}

/** Expects that a call was carried out, or accepted with 202. A refusal fails with what it said. */
export function expectDone(reply: HttpReply, status: 200 | 202 = 200): void {
  expect([reply.status, reply.body.detail]).toEqual([status, undefined]);
}
