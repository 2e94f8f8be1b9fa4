/** Which campaigns there are. Implemented by campaigns, which engagement must not import; bound in app.module.ts. */
export interface CampaignNames {
  /** Returns an SQL condition: whether there is a campaign of this name, an SQL expression. */
  isCampaign(name: string): string;
}

/** Injection token of CampaignNames. */
export const CAMPAIGN_NAMES = Symbol('CAMPAIGN_NAMES');
