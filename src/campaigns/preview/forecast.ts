import type { CampaignChannel } from '../campaign.js';
import type { SendingRate } from './sending-rates.js';

/** A member who was found by chance: for how many it stands, and what would become of them. */
export interface ForecastMember {
  readonly weight: number;
  readonly channel: CampaignChannel | undefined;
  /** Why they would be skipped. */
  readonly reason: string | undefined;
  /** Kinds of the push addresses of a member who is pushed. */
  readonly addressKinds: readonly string[];
}

/** How long one way takes. */
export interface ForecastRate {
  readonly name: string;
  readonly messages: number;
  readonly perSecond: number;
  /** With what waits already; null for a way that is not configured. */
  readonly seconds: number | null;
}

/** Returns how many members get what, by channel, and how many nothing, by reason. */
export function countedMembers(members: readonly ForecastMember[]) {
  const queued: Record<string, number> = {};
  const skipped: Record<string, number> = {};
  for (const { weight, channel, reason = '' } of members)
    if (channel === undefined) skipped[reason] = (skipped[reason] ?? 0) + weight;
    else queued[channel] = (queued[channel] ?? 0) + weight;
  return { queued: rounded(queued), skipped: rounded(skipped) };
}

/** Returns how long each way takes that the members need. A push goes to each device. */
export function forecastRates(
  members: readonly ForecastMember[],
  rates: readonly SendingRate[],
): ForecastRate[] {
  return rates.flatMap((rate): ForecastRate[] => {
    const messages = Math.round(members.reduce((sum, one) => sum + one.weight * messagesBy(rate, one), 0));
    if (messages === 0) return [];
    const seconds = rate.perSecond > 0 ? Math.ceil((rate.waiting + messages) / rate.perSecond) : null;
    return [{ name: rate.name, messages, perSecond: rate.perSecond, seconds }];
  });
}

function messagesBy({ name, addressKinds }: SendingRate, member: ForecastMember): number {
  if (member.channel === 'push')
    return member.addressKinds.filter((kind) => addressKinds.includes(kind)).length;
  return member.channel === name ? 1 : 0;
}

const rounded = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Math.round(count)]));
