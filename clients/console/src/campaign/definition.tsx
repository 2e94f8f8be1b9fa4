import type { ReactNode } from 'react';
import type { CampaignDefinition } from '../../../../src/campaigns/campaign.js';
import type { DescribedCampaign } from '../api/types.js';
import { Facts, Section, When } from '../components/parts.js';
import { dayAndTime } from '../format.js';
import { CampaignState } from '../pages/campaigns.js';

/** What a campaign is, in facts; the whole of it as JSON below. */
export function Definition({ of: campaign }: { of: DescribedCampaign }) {
  return (
    <Section title="What it is">
      <Facts
        of={[
          ['State', <CampaignState state={campaign.state} />],
          ['Written by', campaign.author.name],
          ['Approved by', campaign.approver?.name],
          ['Began', <When at={campaign.startedAt} />],
          ['Expires', <When at={campaign.expiresAt} />],
          [
            campaign.broadcastId === null ? 'All members found' : 'Published',
            <When at={campaign.frozenAt} />,
          ],
          ['Ended', <When at={campaign.endedAt} />],
          ...factsOf(campaign.campaign as unknown as CampaignDefinition),
        ]}
      />
      <details>
        <summary>As it was written</summary>
        <pre>{JSON.stringify(campaign.campaign, null, 2)}</pre>
      </details>
    </Section>
  );
}

function factsOf(definition: CampaignDefinition): (readonly [string, ReactNode])[] {
  const { template, to, audiences, exclusions, channels, startAt, cap, goal } = definition;
  const list = (names: readonly string[], by: string) => (names.length === 0 ? null : names.join(by));
  return [
    ['Template', `${template.name}, version ${template.version}`],
    ['To', to],
    ['Audiences', list(audiences, ', ')],
    ['Left out', list(exclusions, ', ')],
    ['Channels', list(channels, ', then ')],
    [
      'Starts at',
      typeof startAt === 'string'
        ? dayAndTime(startAt)
        : `${startAt.date} ${startAt.time}, by each member’s clock`,
    ],
    ['Cap', cap && `${cap.campaigns} campaigns in ${cap.withinDays} days`],
    ['Goal', goal && `${goal.eventType} within ${goal.withinHours} hours`],
  ];
}
