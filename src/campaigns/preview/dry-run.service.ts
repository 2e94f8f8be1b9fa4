import { Inject, Injectable } from '@nestjs/common';
import type { AudienceSelection } from '../../audiences/audience.js';
import { AudienceSlicesService } from '../../audiences/slices/audience-slices.service.js';
import { estimateOf } from '../../audiences/slices/estimate.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { type CampaignDefinition, firstStartOf } from '../campaign.js';
import { CampaignsService } from '../definitions/campaigns.service.js';
import { CampaignSendingStore } from '../sending/campaign-sending.store.js';
import { decideMember } from '../sending/decide-member.js';
import { countedMembers, type ForecastMember, forecastRates } from './forecast.js';
import { SENDING_RATES, type SendingRates } from './sending-rates.js';

/** Users of whom facts are read in one statement. */
const SLICE = 1_000;

/** Says what would come of a campaign if it began now. Nothing is written. */
@Injectable()
export class DryRunService {
  constructor(
    private readonly campaigns: CampaignsService,
    private readonly audiences: AudienceSlicesService,
    private readonly members: CampaignSendingStore,
    @Inject(SENDING_RATES) private readonly sending: SendingRates,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Throws Problem not_found. */
  async forecast(name: string) {
    const { body } = await this.campaigns.find(name);
    const { members, duplicates } = await this.sample(body);
    const rates = forecastRates(members, await this.sending.rates());
    const size = estimateOf(members.map(({ weight }) => weight));
    const starts = Math.max(firstStartOf(body.startAt), Date.now());
    const queueing = size.size / this.config.CAMPAIGN_MEMBERS_PER_SECOND;
    const sending = rates.map(({ seconds }) => seconds);
    const at = (seconds: number) => new Date(starts + 1_000 * Math.ceil(seconds)).toISOString();
    return {
      name,
      members: size,
      duplicates: Math.max(0, Math.round(duplicates)),
      ...countedMembers(members),
      rates,
      startsAt: new Date(starts).toISOString(),
      queuedAt: at(queueing),
      throughAt: sending.includes(null) ? null : at(Math.max(queueing, ...sending.map(Number))),
    };
  }

  /** A member of several audiences counts in the first one. */
  private async sample(body: CampaignDefinition) {
    const { audiences, exclusions, cap } = body;
    const found = await this.audiences.list([...audiences, ...exclusions]);
    const named = (names: readonly string[]) =>
      names.flatMap((one) => found.filter(({ name }) => name === one));
    const [all, without] = [named(audiences), named(exclusions)];
    const members: ForecastMember[] = [];
    let withDuplicates = 0;
    for (const [n, audience] of all.entries()) {
      const earlier = all.slice(0, n);
      members.push(...(await this.decide({ audience, without: [...without, ...earlier] }, body, cap)));
      const whole = await this.audiences.sample({ audience, without });
      withDuplicates += whole.reduce((sum, { weight }) => sum + weight, 0);
    }
    const persons = members.reduce((sum, { weight }) => sum + weight, 0);
    return { members, duplicates: withDuplicates - persons };
  }

  private async decide(
    selection: AudienceSelection,
    body: CampaignDefinition,
    cap: CampaignDefinition['cap'],
  ): Promise<ForecastMember[]> {
    const sampled = await this.audiences.sample(selection);
    const weights = new Map<string, number>();
    for (const { userId, weight } of sampled) weights.set(userId, (weights.get(userId) ?? 0) + weight);
    const userIds = [...weights.keys()];
    const members: ForecastMember[] = [];
    for (let from = 0; from < userIds.length; from += SLICE)
      for (const facts of await this.members.facts(userIds.slice(from, from + SLICE), cap)) {
        const { userId, preferences, recent, addressKinds, locale: _, ...reach } = facts;
        const decision = decideMember(body, { reach, preferences, recent }, { isExpired: false });
        members.push({
          weight: weights.get(userId) ?? 0,
          addressKinds,
          ...(decision.is === 'send'
            ? { channel: decision.channel, reason: undefined }
            : { channel: undefined, reason: decision.reason }),
        });
      }
    return members;
  }
}
