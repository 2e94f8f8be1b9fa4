import { expect, test } from '@jest/globals';
import { type CampaignOutcomeOfUser, explainCampaign } from './explain-campaign.js';

const outcome: CampaignOutcomeOfUser = {
  campaign: 'advent',
  audience: 'everyone',
  state: 'skipped',
  reason: null,
  channel: null,
  eventId: null,
  dueAt: '2026-12-06T18:00:00.000Z',
  convertedAt: null,
};
const REASONS = [
  'expired',
  'capped',
  'no_address',
  'preference',
  'template_data_invalid',
  'duplicate_address',
  'address_unreadable',
];

test('there is a sentence of its own for each reason to skip a member, and one for those to come', () => {
  const all = [...REASONS, 'a_new_one'].map((reason) => explainCampaign({ ...outcome, reason }));
  expect(new Set(all).size).toBe(REASONS.length + 1);
  for (const text of all) expect(text).toMatch(/^It was skipped: .+\.$/);
  expect(all.at(-1)).toContain('a_new_one');
});

test('who waits is told when it is their turn, and who got it by which event', () => {
  expect(explainCampaign({ ...outcome, state: 'pending' })).toContain('at 2026-12-06 18:00:00 UTC');
  const sent = { ...outcome, state: 'queued', channel: 'push', eventId: 'e1' };
  expect(explainCampaign(sent)).toBe('It was sent by push, as the event e1: there is what became of it.');
});
