import { describe, expect, test } from '@jest/globals';
import { Pace } from './pace.js';

const settings = { perSecond: 1_000, maxMs: 60_000 };

describe('the time over which the users of a file are told', () => {
  test('is none for a file of no more users than are told in a second, whatever came before', () => {
    const pace = new Pace(settings);
    expect(pace.add(1_000, 0, 0)).toBeUndefined();
    pace.add(30_000, 1_000, 0);
    expect(pace.add(400, 600, 1)).toBeUndefined();
  });

  test('grows with the users who are to be told, shrinks as they are, and has an end', () => {
    const pace = new Pace(settings);
    expect(pace.add(2_000, 0, 0)).toBe(2_000);
    expect(pace.add(20_000, 2_000, 0)).toBe(22_000);
    expect(pace.add(2_000, 22_000, 5_000)).toBe(19_000);
    expect(pace.add(1_000_000, 24_000, 5_000)).toBe(60_000);
    expect(pace.add(2_000, 0, 10_000_000)).toBe(2_000);
  });

  test('does not grow with those who have their page already', () => {
    const pace = new Pace(settings);
    pace.add(20_000, 0, 0);
    pace.remove(20_000);
    expect(pace.add(2_000, 0, 0)).toBe(2_000);
  });

  test('is none where all are to be told at once', () => {
    expect(new Pace({ ...settings, maxMs: 0 }).add(1_000_000, 0, 0)).toBeUndefined();
  });
});
