import { MEMBERSHIP_STATUSES } from '../../mailbox/events/event-data.schema.js';
import { describe, expect, test } from '@jest/globals';
import { illegalChangeReason } from './change.js';
import { MEMBERSHIP_ACTIONS } from '../../mailbox/events/event-data.schema.js';
import type { Action, Status, Subscription } from '../membership.js';

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
  illegalChangeReason(of, { action, ...(action === 'change_plan' && { planId: 'premium' }) }, now) ===
  undefined;
const legal = (of: Subscription | undefined) => MEMBERSHIP_ACTIONS.filter((action) => isLegal(of, action));

describe('a user may ask for', () => {
  const ongoing: Record<Status, Action[]> = {
    none: [],
    trialing: ['cancel', 'change_plan'],
    active: ['cancel', 'change_plan'],
    past_due: ['cancel'],
    paused: ['cancel', 'resume'],
    canceled: [],
  };
  test.each(MEMBERSHIP_STATUSES)('what a subscription that is %s and has no planned end allows', (status) => {
    expect(legal(subscription(status))).toEqual(ongoing[status]);
  });

  const ending: Record<Status, Action[]> = {
    none: [],
    trialing: ['resume', 'change_plan'],
    active: ['resume', 'change_plan'],
    past_due: ['resume'],
    paused: ['resume'],
    canceled: [],
  };
  test.each(MEMBERSHIP_STATUSES)('what a subscription that is %s and ends next week allows', (status) => {
    expect(legal(subscription(status, { cancelAt: day(7) }))).toEqual(ending[status]);
  });

  test('nothing once the end has passed, whether or not a worker has ended it yet', () => {
    expect(legal(subscription('active', { cancelAt: day(-1) }))).toEqual([]);
    expect(legal(subscription('past_due', { graceEndsAt: day(-1) }))).toEqual([]);
  });

  test('nothing without a subscription', () => {
    expect(legal(undefined)).toEqual([]);
  });

  test('no change to the plan that the subscription has', () => {
    expect(
      illegalChangeReason(subscription('active'), { action: 'change_plan', planId: 'basic' }, now),
    ).toMatch(/already/);
  });
});
