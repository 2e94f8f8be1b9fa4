import { Injectable } from '@nestjs/common';
import type { SampledMember } from '../../audiences/slices/audience-slice.store.js';
import { AudienceSlicesService } from '../../audiences/slices/audience-slices.service.js';
import { estimateOf } from '../../audiences/slices/estimate.js';
import type { CampaignDefinition } from '../campaign.js';
import { CampaignSendingStore } from '../sending/campaign-sending.store.js';
import { decideMember } from '../sending/decide-member.js';
import type { ForecastMember } from './forecast.js';

/** Users of whom facts are read in one statement. */
const SLICE = 1_000;

/** Members by chance. `step`: for how many users each one stands at most who was looked at; 1 if all were. */
interface MemberSample {
  readonly members: readonly ForecastMember[];
  readonly duplicates: number;
  readonly step: number;
}

/** Finds by chance who would be members of a campaign now, and what would become of them. */
@Injectable()
export class MemberSampleService {
  constructor(
    private readonly audiences: AudienceSlicesService,
    private readonly members: CampaignSendingStore,
  ) {}

  /** Returns how many users there are, as an audience with the rule `everyone` has. */
  async everyone() {
    const audience = { name: 'everyone', rule: { everyone: true } } as const;
    const { members, step } = await this.audiences.sample({ audience, without: [] });
    return estimateOf(
      members.map(({ weight }) => weight),
      step,
    );
  }

  /** Returns the members, and how many were found again in a further audience. A member of several audiences counts in the first one. */
  async of(body: CampaignDefinition): Promise<MemberSample> {
    const { audiences, exclusions } = body;
    const found = await this.audiences.list([...audiences, ...exclusions]);
    const named = (names: readonly string[]) =>
      names.flatMap((one) => found.filter(({ name }) => name === one));
    const [all, without] = [named(audiences), named(exclusions)];
    const members: ForecastMember[] = [];
    let withDuplicates = 0;
    let widest = 1;
    for (const [n, audience] of all.entries()) {
      const sampled = await this.audiences.sample({ audience, without: [...without, ...all.slice(0, n)] });
      members.push(...(await this.decide(sampled.members, body)));
      const whole = await this.audiences.sample({ audience, without });
      withDuplicates += whole.members.reduce((sum, { weight }) => sum + weight, 0);
      widest = Math.max(widest, sampled.step);
    }
    const persons = members.reduce((sum, { weight }) => sum + weight, 0);
    return { members, duplicates: withDuplicates - persons, step: widest };
  }

  private async decide(
    sampled: readonly SampledMember[],
    body: CampaignDefinition,
  ): Promise<ForecastMember[]> {
    const weights = new Map<string, number>();
    for (const { userId, weight } of sampled) weights.set(userId, (weights.get(userId) ?? 0) + weight);
    const userIds = [...weights.keys()];
    const members: ForecastMember[] = [];
    for (let from = 0; from < userIds.length; from += SLICE)
      for (const facts of await this.members.facts(userIds.slice(from, from + SLICE), body.cap)) {
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
