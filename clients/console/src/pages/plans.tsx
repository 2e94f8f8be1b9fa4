import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { Capabilities, ListedPlan } from '../api/types.js';
import { usePages } from '../api/use-pages.js';
import { More } from '../components/more.js';
import { ErrorNotice, Loading, Page, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { Link } from '../router.js';

/** What a plan allows, in words. */
export const inWords = ({ streaming, maxStreams, maxQuality, downloads, ads }: Capabilities): string =>
  [
    streaming
      ? `${maxStreams} ${maxStreams === 1 ? 'stream' : 'streams'} up to ${maxQuality}`
      : 'no streaming',
    ...(downloads ? ['downloads'] : []),
    ...(ads ? ['ads'] : []),
  ].join(', ');

const COLUMNS: readonly Column<ListedPlan>[] = [
  { title: 'Plan', cell: ({ planId }) => <Link to={`/plans/${segment(planId)}`}>{planId}</Link> },
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Allows', cell: ({ capabilities }) => inWords(capabilities) },
  { title: 'Prices', cell: ({ prices }) => <span className="id">{prices.join(' ')}</span> },
  { title: 'Changed', cell: ({ updatedAt }) => <When at={updatedAt} /> },
];

/** What users can pay for. */
export function PlansPage() {
  const pages = usePages<ListedPlan>('/v1/plans?limit=100', { list: 'plans', cursor: 'after' });
  const mayRun = useMay('operate');
  return (
    <Page
      title="Plans"
      actions={
        mayRun && (
          <Link className="button" to="/new-plan">
            New plan
          </Link>
        )
      }
    >
      {pages.items ? <ErrorNotice error={pages.error} /> : <Loading error={pages.error} />}
      {pages.items && (
        <div className="card">
          <Table
            caption="Plans"
            columns={COLUMNS}
            rows={pages.items}
            rowKey={({ planId }) => planId}
            none="There is no plan. Without one every webhook waits."
          />
          <More pages={pages} />
        </div>
      )}
    </Page>
  );
}
