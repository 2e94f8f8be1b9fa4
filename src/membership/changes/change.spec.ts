import { MEMBERSHIP_STATUSES } from '../../mailbox/events/event-data.schema.js';
import { describe, expect, test } from '@jest/globals';
import { whyIllegal } from './change.js';
import { type Action, ACTIONS, type Status, type Subscription } from '../membership.js';

const now = new Date('2026-11-20T12:00:00Z');
const day = (n: number): Date => new Date(now.getTime() + n * 86_400_000);
const subscription = (status: Status, more: Partial<Subscription> = {}): Subscription => ({
  processor: 'stripe',
  subscriptionId: 'sub_1',
  status,
  planId: 'basic',
  effectiveAt: day(-30),
  cancelAt: null,
  graceEndsAt: null,
  ended: false,
  asOf: day(-30),
  ...more,
});
const isLegal = (of: Subscription | undefined, action: Action) =>
  whyIllegal(of, { action, ...(action === 'change_plan' && { planId: 'premium' }) }, now) === undefined;
const legal = (of: Subscription | undefined) => ACTIONS.filter((action) => isLegal(of, action));

describe('what a user may ask for', () => {
  const goesOn: Record<Status, Action[]> = {
    none: [],
    trialing: ['cancel', 'change_plan'],
    active: ['cancel', 'change_plan'],
    past_due: ['cancel'],
    paused: ['cancel', 'resume'],
    canceled: [],
  };
  test.each(MEMBERSHIP_STATUSES)('while it goes on and is %s', (status) => {
    expect(legal(subscription(status))).toEqual(goesOn[status]);
  });

  const ending: Record<Status, Action[]> = {
    none: [],
    trialing: ['resume', 'change_plan'],
    active: ['resume', 'change_plan'],
    past_due: ['resume'],
    paused: ['resume'],
    canceled: [],
  };
  test.each(MEMBERSHIP_STATUSES)('when it is %s and ends next week', (status) => {
    expect(legal(subscription(status, { cancelAt: day(7) }))).toEqual(ending[status]);
  });

  test('nothing once its end has passed, whether or not anybody noticed', () => {
    expect(legal(subscription('active', { cancelAt: day(-1) }))).toEqual([]);
    expect(legal(subscription('past_due', { graceEndsAt: day(-1) }))).toEqual([]);
  });

  test('nothing without a subscription', () => {
    expect(legal(undefined)).toEqual([]);
  });

  test('not the plan that it has', () => {
    expect(whyIllegal(subscription('active'), { action: 'change_plan', planId: 'basic' }, now)).toMatch(
      /already/,
    );
  });
});
