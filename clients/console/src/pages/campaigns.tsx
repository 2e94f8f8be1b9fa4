import { segment } from '../api/api.js';
import type { ListedCampaign } from '../api/types.js';
import { usePages } from '../api/use-pages.js';
import { More } from '../components/more.js';
import { Badge, ErrorNotice, Loading, Page, type Tone, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { Link } from '../router.js';

const TONES: Record<string, Tone> = {
  running: 'good',
  done: 'good',
  paused: 'warn',
  scheduled: 'warn',
  aborted: 'bad',
};

/** How far a campaign is. */
export const CampaignState = ({ state }: { state: string }) => (
  <Badge tone={TONES[state] ?? 'quiet'}>{state}</Badge>
);

const COLUMNS: readonly Column<ListedCampaign>[] = [
  {
    title: 'Campaign',
    cell: ({ name }) => <Link to={`/campaigns/${segment(name)}`}>{name}</Link>,
  },
  { title: 'State', cell: ({ state }) => <CampaignState state={state} /> },
  { title: 'By', cell: ({ author }) => author.name },
  { title: 'Begins', cell: ({ startsAt }) => <When at={startsAt} /> },
  { title: 'Ended', cell: ({ endedAt }) => <When at={endedAt} /> },
];

/** The campaigns, the newest first. */
export function CampaignsPage() {
  const pages = usePages<ListedCampaign>('/v1/campaigns?limit=100', { list: 'campaigns' });
  return (
    <Page title="Campaigns">
      {pages.items ? <ErrorNotice error={pages.error} /> : <Loading error={pages.error} />}
      {pages.items && (
        <div className="card">
          <Table
            caption="Campaigns"
            columns={COLUMNS}
            rows={pages.items}
            rowKey={({ name }) => name}
            none="There is no campaign yet."
          />
          <More pages={pages} label="Older" />
        </div>
      )}
    </Page>
  );
}
