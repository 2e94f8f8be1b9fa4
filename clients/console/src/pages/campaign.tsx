import { segment } from '../api/api.js';
import type { DescribedCampaign } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { CampaignActions } from '../campaign/actions.js';
import { Definition } from '../campaign/definition.js';
import { Everyone } from '../campaign/everyone.js';
import { Funnel } from '../campaign/funnel.js';
import { Rates } from '../campaign/rates.js';
import { ErrorNotice, Loading, Page } from '../components/parts.js';

const EVERY_MS = 2_000;

/** One campaign: what it is, what may be done with it, and what became of its members. */
export function CampaignPage({ name }: { name: string }) {
  const path = `/v1/campaigns/${segment(name)}`;
  const { data: campaign, error, reload } = useApi<DescribedCampaign>(path, EVERY_MS);
  return (
    <Page
      title={`Campaign ${name}`}
      actions={campaign && <CampaignActions path={path} of={campaign} reload={reload} />}
    >
      {campaign ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {campaign && (
        <>
          {campaign.problem !== null && (
            <p className="notice bad" role="alert">
              {campaign.problem}
            </p>
          )}
          <Definition of={campaign} />
          {campaign.campaign['to'] === 'everyone' ? (
            <Everyone of={campaign.broadcast} />
          ) : (
            <Funnel of={campaign} />
          )}
          {campaign.startedAt !== null && <Rates of={campaign} />}
        </>
      )}
    </Page>
  );
}
