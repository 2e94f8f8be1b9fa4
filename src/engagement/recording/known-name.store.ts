import { Inject, Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import { CAMPAIGN_NAMES, type CampaignNames } from './campaign-names.js';

/** A name that an app gives: of a team, a campaign or a template. */
export interface GivenName {
  readonly dimension: 'team' | 'campaign' | 'template';
  readonly value: string;
}

/** Which names there are: those of campaigns, and those that back offices have used in the last days (the table engagement_value). */
@Injectable()
export class KnownNameStore {
  private readonly find: Statement;

  constructor(
    private readonly database: Database,
    @Inject(CAMPAIGN_NAMES) campaigns: CampaignNames,
  ) {
    this.find = named(
      'engagement-known-names',
      `SELECT g.dimension, g.value FROM unnest($1::text[], $2::text[]) AS g (dimension, value)
       WHERE EXISTS (SELECT FROM engagement_value v WHERE v.dimension = g.dimension AND v.value = g.value)
         OR g.dimension = 'campaign' AND ${campaigns.isCampaign('g.value')}`,
    );
  }

  /** Returns those of the names that are known. */
  filterKnown(names: readonly GivenName[]): Promise<GivenName[]> {
    const [dimensions, values] = [names.map(({ dimension }) => dimension), names.map(({ value }) => value)];
    return this.database.run('routine', this.find, [dimensions, values]);
  }
}
