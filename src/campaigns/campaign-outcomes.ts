/** How many pushes, texts or mails of a campaign became what. */
export interface CampaignOutcome {
  readonly channel: string;
  readonly state: string;
  readonly count: number;
}

/** Knows what became of the messages of a campaign; bound in app.module.ts to the queues, which a feature may not import. */
export interface CampaignOutcomes {
  /** Counts stop at a million. */
  outcomesOfCampaign(campaignId: string): Promise<CampaignOutcome[]>;
}

/** The token of a list of CampaignOutcomes. */
export const CAMPAIGN_OUTCOMES = Symbol('CAMPAIGN_OUTCOMES');
