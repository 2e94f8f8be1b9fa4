import { beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { Problem } from '../problem.js';
import { parse } from '../validation.js';
import { closestField, nameUnknownFields } from './unknown-fields.js';

beforeAll(nameUnknownFields);

const event = z.strictObject({ userId: z.string(), expiresAt: z.string().optional(), data: z.unknown() });
const body = z.strictObject({ events: z.array(event) });

/** Returns the errors of the Problem that parsing throws. */
function errorsOf(value: unknown): unknown {
  try {
    return parse(body, value);
  } catch (error) {
    return (error as Problem).extensions.errors;
  }
}

describe('an unknown field is named', () => {
  test('each by its own path, with the field that was probably meant', () => {
    expect(errorsOf({ events: [{ userId: 'ada', expires_at: '2026', colour: 1, data: {} }] })).toEqual([
      { path: 'events.0.expires_at', message: 'unknown field; did you mean expiresAt?' },
      { path: 'events.0.colour', message: 'unknown field' },
    ]);
    expect(errorsOf({ events: [], event: [] })).toEqual([
      { path: 'event', message: 'unknown field; did you mean events?' },
    ]);
  });

  test('beside what else is wrong', () => {
    expect(errorsOf({ events: [{ userID: 'ada', data: {} }] })).toEqual([
      expect.objectContaining({ path: 'events.0.userId' }),
      { path: 'events.0.userID', message: 'unknown field; did you mean userId?' },
    ]);
  });

  test('never with its value, and cut if it is long', () => {
    const errors = JSON.stringify(errorsOf({ events: [], ['x'.repeat(1_000)]: 'a-secret' }));
    expect(errors).not.toContain('a-secret');
    expect(errors.length).toBeLessThan(200);
  });

  test('ten at most', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`field${n}`, n]));
    expect(errorsOf({ events: [], ...many })).toHaveLength(10);
  });

  test('not within data, whose fields are the caller’s own', () => {
    expect(errorsOf({ events: [{ userId: 'ada', data: { anything: { at: 'all' } } }] })).toEqual({
      events: [{ userId: 'ada', data: { anything: { at: 'all' } } }],
    });
  });
});

test.each([
  ['expires_at', 'expiresAt'],
  ['EXPIRESAT', 'expiresAt'],
  ['expireAt', 'expiresAt'],
  ['userid', 'userId'],
  ['usreId', 'userId'],
  ['colour', undefined],
  ['', undefined],
])('%j is probably meant for %s', (field, meant) => {
  expect(closestField(field, ['userId', 'expiresAt', 'key', 'data'])).toBe(meant);
});
