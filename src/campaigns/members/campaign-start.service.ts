import { Injectable } from '@nestjs/common';
import type { AudienceSelection, StoredAudience } from '../../audiences/audience.js';
import { AudienceSlicesService } from '../../audiences/slices/audience-slices.service.js';
import { Database } from '../../platform/postgres/database.js';
import type { CampaignDefinition, WorkedCampaign } from '../campaign.js';
import { CAMPAIGN_MOVES } from '../campaign-moves.js';
import { CampaignBroadcastService } from '../everyone/campaign-broadcast.service.js';
import { CampaignFailuresService } from '../failures/campaign-failures.service.js';
import { CampaignProgressStore } from './campaign-progress.store.js';

/** Has campaigns begin. From then on they keep the rules of their audiences as they are then; one to everyone is published. */
@Injectable()
export class CampaignStartService {
  constructor(
    private readonly progress: CampaignProgressStore,
    private readonly audiences: AudienceSlicesService,
    private readonly broadcasts: CampaignBroadcastService,
    private readonly failures: CampaignFailuresService,
    private readonly database: Database,
  ) {}

  /** Returns at most `limit` campaigns whose time has come. */
  due(limit: number): Promise<WorkedCampaign[]> {
    return this.progress.due(limit);
  }

  /** Has a campaign begin whose time has come; one that names an audience which is not there any more goes back to people. */
  start(name: string): Promise<void> {
    return this.database.transaction('routine', async (tx) => {
      const due = await this.progress.claimDue(tx, name);
      if (!due) return;
      const { body } = due;
      if (body.to === 'everyone') return this.broadcasts.publish(tx, due);
      const names = [...body.audiences, ...body.exclusions];
      const found = await this.audiences.find(tx, names);
      const missing = names.find((one) => !found.some((audience) => audience.name === one));
      // Without an audience that is to be left out, people would be written to who must not be.
      if (missing === undefined)
        await this.progress.start(tx, name, CAMPAIGN_MOVES.start.scheduled, selectionsOf(body, found));
      else await this.failures.stop(tx, name, `There is no audience ${missing} any more.`);
    });
  }
}

function selectionsOf(body: CampaignDefinition, found: readonly StoredAudience[]): AudienceSelection[] {
  const named = (names: readonly string[]) =>
    names.flatMap((name) =>
      found.filter((one) => one.name === name).map(({ rule, createdAt }) => ({ name, rule, createdAt })),
    );
  const without = named(body.exclusions);
  return named(body.audiences).map((audience) => ({ audience, without }));
}
