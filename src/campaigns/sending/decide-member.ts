import { wantsChannel } from '../../devices/preferences/channels.js';
import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import { CAMPAIGN_EVENT, type CampaignChannel, type CampaignDefinition } from '../campaign.js';

/** Which ways to a member there are. */
export type MemberReach = Readonly<Record<CampaignChannel, boolean>>;

/** What is known of a member when it is their turn. */
export interface MemberFacts {
  readonly reach: MemberReach;
  /** As they were set; null for a user who has set none. */
  readonly preferences: Preferences | null;
  /** How many campaigns the person got in the days of the cap. */
  readonly recent: number;
}

/** Why a member gets nothing. `no_address`: by no channel of the campaign. `preference`: the member wants none of those that there are. */
export type SkipReason = 'expired' | 'capped' | 'no_address' | 'preference' | 'template_data_invalid';

/** `later`: texts and mails that are tried when the first one fails for good. */
export type MemberDecision =
  | { readonly is: 'skip'; readonly reason: SkipReason }
  | {
      readonly is: 'send';
      readonly channel: CampaignChannel;
      readonly messages: readonly ('email' | 'sms')[];
    };

/** Decides about a member whose turn it is, by what is so now. Texts, mails and pushes are asked about once more when they are sent. */
export function decideMember(
  { channels, cap }: Pick<CampaignDefinition, 'channels' | 'cap'>,
  { reach, preferences, recent }: MemberFacts,
  { isExpired }: { readonly isExpired: boolean },
): MemberDecision {
  if (isExpired) return { is: 'skip', reason: 'expired' };
  if (cap && recent >= cap.campaigns) return { is: 'skip', reason: 'capped' };
  const reached = channels.filter((channel) => reach[channel]);
  const wanted = reached.filter((channel) => isWanted(channel, preferences ?? undefined));
  const [channel] = wanted;
  if (channel === undefined)
    return { is: 'skip', reason: reached.length === 0 ? 'no_address' : 'preference' };
  const isMessage = channel === 'email' || channel === 'sms';
  const messages = isMessage ? wanted.filter((one) => one === 'email' || one === 'sms') : [];
  return { is: 'send', channel, messages };
}

/** Nobody is disturbed by what an app shows when it is opened, but whoever switched campaigns off does not want that either. */
const isWanted = (channel: CampaignChannel, preferences: Preferences | undefined): boolean =>
  channel === 'app'
    ? preferences?.categories['campaign']?.delivery !== 'off'
    : wantsChannel(channel, CAMPAIGN_EVENT, preferences);
