import { at } from './say-instant.js';

/** What became of a campaign for one user, as it is stored (campaigns/campaign.fragments.ts). Times are ISO 8601. */
export interface CampaignOutcomeOfUser {
  readonly campaign: string;
  readonly audience: string;
  readonly state: string;
  readonly reason: string | null;
  readonly channel: string | null;
  readonly eventId: string | null;
  readonly dueAt: string;
  readonly convertedAt: string | null;
}

const BY_REASON: Readonly<Record<string, string>> = {
  expired: 'It was skipped: it had expired when the user’s turn came.',
  capped: 'It was skipped: the user had got as many campaigns as its cap allows.',
  no_address:
    'It was skipped: by none of its channels could the user be reached. A push needs a push address, a mail or text a verified contact.',
  preference: 'It was skipped: the user’s preferences want it by none of the channels that there were.',
  template_data_invalid:
    'It was skipped: its template lacks a value for this user, or fails with it. The preview of the campaign for this user says which.',
  duplicate_address: 'It was skipped: another member has the same mail address and counts for both.',
  address_unreadable:
    'It was skipped: no secret of CONTACT_KEY decrypts the user’s mail address. Add the one under which it was stored.',
};

/** Returns, for people, whether the user got the campaign, or why not. */
export function explainCampaign({ state, reason, channel, eventId, dueAt }: CampaignOutcomeOfUser): string {
  if (state === 'pending') return `The user gets it${at(dueAt)}, unless the campaign is paused or ended.`;
  if (state === 'skipped')
    return BY_REASON[reason ?? ''] ?? `It was skipped: ${reason ?? 'no reason is known'}.`;
  return `It was sent by ${channel ?? 'no channel'}, as the event ${eventId ?? 'that is not known'}: there is what became of it.`;
}
