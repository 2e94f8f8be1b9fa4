import { segment } from '../api/api.js';
import type { Run } from '../api/types.js';
import { usePages } from '../api/use-pages.js';
import { Id } from '../components/name.js';
import { More } from '../components/more.js';
import { Badge, ErrorNotice, Loading, Nothing, Page, type Tone, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { count, span } from '../format.js';
import { Link } from '../router.js';

const TONES: Record<string, Tone> = {
  done: 'good',
  running: 'warn',
  refused: 'bad',
  failed: 'bad',
  interrupted: 'bad',
};

/** What became of a nightly file. */
export const RunStatus = ({ status }: { status: string }) => (
  <Badge tone={TONES[status] ?? 'quiet'}>{status}</Badge>
);

/** How long it took, or has taken so far. */
export const took = ({ startedAt, endedAt }: Run): string =>
  span((endedAt === null ? Date.now() : Date.parse(endedAt)) - Date.parse(startedAt));

const COLUMNS: readonly Column<Run>[] = [
  {
    title: 'Began',
    cell: ({ id, startedAt }) => (
      <Link to={`/nightly/${segment(id)}`}>
        <When at={startedAt} />
      </Link>
    ),
  },
  { title: 'Status', cell: ({ status }) => <RunStatus status={status} /> },
  { title: 'Took', cell: took, isNumber: true },
  { title: 'Rows', cell: ({ counts }) => (counts ? count(counts.rows) : <Nothing />), isNumber: true },
  { title: 'New', cell: ({ counts }) => (counts ? count(counts.accepted) : <Nothing />), isNumber: true },
  {
    title: 'Rejected',
    cell: ({ counts }) => (counts ? count(counts.rejectedCount) : <Nothing />),
    isNumber: true,
  },
  { title: 'By key', cell: ({ keyId }) => <Id of={keyId} /> },
];

/** The nightly files that were sent. */
export function RunsPage() {
  const pages = usePages<Run>('/v1/recommendation-runs?limit=100', { list: 'runs' });
  return (
    <Page title="Nightly">
      {pages.items ? <ErrorNotice error={pages.error} /> : <Loading error={pages.error} />}
      {pages.items && (
        <div className="card">
          <Table
            caption="Nightly files"
            columns={COLUMNS}
            rows={pages.items}
            rowKey={({ id }) => id}
            none="No nightly file has been sent."
          />
          <More pages={pages} label="Older" />
        </div>
      )}
    </Page>
  );
}
