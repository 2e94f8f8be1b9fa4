import { Inject, Injectable } from '@nestjs/common';
import { estimateOf } from '../../audiences/slices/estimate.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { firstStartOf, type NamedCampaign } from '../campaign.js';
import { CampaignsService } from '../definitions/campaigns.service.js';
import { CampaignBroadcastService } from '../everyone/campaign-broadcast.service.js';
import { countedMembers, forecastRates } from './forecast.js';
import { MemberSampleService } from './member-sample.service.js';
import { SENDING_RATES, type SendingRates } from './sending-rates.js';

/** Says what would come of a campaign if it began now. Nothing is written. */
@Injectable()
export class DryRunService {
  constructor(
    private readonly campaigns: CampaignsService,
    private readonly samples: MemberSampleService,
    private readonly broadcasts: CampaignBroadcastService,
    @Inject(SENDING_RATES) private readonly sending: SendingRates,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Throws Problem not_found. */
  async forecast(name: string) {
    const campaign = await this.campaigns.find(name);
    const starts = Math.max(firstStartOf(campaign.body.startAt), Date.now());
    return campaign.body.to === 'everyone'
      ? this.forecastOfEveryone(campaign, starts)
      : this.forecastOfMembers(campaign, starts);
  }

  private async forecastOfMembers({ name, body }: NamedCampaign, starts: number) {
    const { members, duplicates, step } = await this.samples.of(body);
    const rates = forecastRates(members, await this.sending.rates());
    const weights = members.map(({ weight }) => weight);
    const size = estimateOf(weights, step);
    const queueing = size.size / this.config.CAMPAIGN_MEMBERS_PER_SECOND;
    const sending = rates.map(({ seconds }) => seconds);
    const at = (seconds: number) => new Date(starts + 1_000 * Math.ceil(seconds)).toISOString();
    return {
      name,
      members: size,
      duplicates: Math.max(0, Math.round(duplicates)),
      ...countedMembers(members),
      rates,
      broadcast: null,
      startsAt: new Date(starts).toISOString(),
      queuedAt: at(queueing),
      throughAt: sending.includes(null) ? null : at(Math.max(queueing, ...sending.map(Number))),
    };
  }

  /** Nobody is queued: it is one row, whoever connects. */
  private async forecastOfEveryone(campaign: NamedCampaign, starts: number) {
    const at = new Date(starts).toISOString();
    return {
      name: campaign.name,
      members: await this.samples.everyone(),
      duplicates: 0,
      ...countedMembers([]),
      rates: [],
      broadcast: await this.broadcastOf(campaign),
      startsAt: at,
      queuedAt: at,
      throughAt: at,
    };
  }

  private async broadcastOf(campaign: NamedCampaign) {
    try {
      const message = await this.broadcasts.messageOf(campaign);
      const fault = (await this.broadcasts.faultOf(message)) ?? null;
      return { bytes: Buffer.byteLength(message.json), fault };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { bytes: null, fault: error.detail };
    }
  }
}
