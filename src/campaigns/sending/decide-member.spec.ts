import { describe, expect, test } from '@jest/globals';
import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import type { CampaignChannel } from '../campaign.js';
import { decideMember, type MemberFacts } from './decide-member.js';

const NOWHERE = { push: false, email: false, sms: false, app: false };
const wanting = (campaign: Preferences['categories'][string]): Preferences => ({
  categories: { campaign },
  quietHours: null,
  oneDeviceIsEnough: false,
});
const facts = (by: readonly CampaignChannel[], more: Partial<MemberFacts> = {}): MemberFacts => ({
  reach: { ...NOWHERE, ...Object.fromEntries(by.map((channel) => [channel, true])) },
  preferences: null,
  recent: 0,
  ...more,
});
const decide = (
  channels: readonly CampaignChannel[],
  of: MemberFacts,
  cap?: { campaigns: number; withinDays: number },
) => decideMember({ channels, cap }, of, { isExpired: false });

describe('the channel of a member', () => {
  test('is the first one of the campaign that there is', () => {
    expect(decide(['push', 'email'], facts(['email', 'push']))).toMatchObject({ channel: 'push' });
    expect(decide(['push', 'email'], facts(['email']))).toMatchObject({ channel: 'email' });
  });

  test('and that the member wants', () => {
    const noPush = wanting({ channels: { push: false, email: true } });
    expect(decide(['push', 'email'], facts(['push', 'email'], { preferences: noPush }))).toMatchObject({
      channel: 'email',
    });
  });

  test('of texts and mails the others follow, in their order; after a push none does', () => {
    const all = facts(['push', 'email', 'sms']);
    expect(decide(['sms', 'push', 'email'], all)).toEqual({
      is: 'send',
      channel: 'sms',
      messages: ['sms', 'email'],
    });
    expect(decide(['push', 'sms', 'email'], all)).toMatchObject({ channel: 'push', messages: [] });
  });
});

describe('a member is skipped', () => {
  test('who has none of the channels', () => {
    expect(decide(['push', 'email'], facts(['sms', 'app']))).toEqual({ is: 'skip', reason: 'no_address' });
  });

  test('who wants none of those that there are', () => {
    const off = wanting({ delivery: 'off' });
    const of = facts(['push', 'email', 'app'], { preferences: off });
    expect(decide(['push', 'email', 'app'], of)).toEqual({ is: 'skip', reason: 'preference' });
  });

  test('who got as many campaigns as the cap allows, and not before', () => {
    const cap = { campaigns: 2, withinDays: 7 };
    expect(decide(['push'], facts(['push'], { recent: 1 }), cap)).toMatchObject({ is: 'send' });
    expect(decide(['push'], facts(['push'], { recent: 2 }), cap)).toEqual({ is: 'skip', reason: 'capped' });
  });

  test('whose turn comes when the campaign has expired', () => {
    const decision = decideMember({ channels: ['push'] }, facts(['push']), { isExpired: true });
    expect(decision).toEqual({ is: 'skip', reason: 'expired' });
  });
});
