import type { ConnectedEdge } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Id } from '../components/name.js';
import { ErrorNotice, Loading, Page, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';

const EVERY_MS = 5_000;

const COLUMNS: readonly Column<ConnectedEdge>[] = [
  { title: 'Edge node', cell: ({ edgeId }) => <Id of={edgeId} /> },
  { title: 'Connected', cell: ({ since }) => <When at={since} /> },
  { title: 'To node', cell: ({ nodeId }) => <Id of={nodeId} /> },
];

/** The edge nodes that are connected, and are told of a stop at once. */
export function EdgesPage() {
  const { data, error } = useApi<{ readonly edges: readonly ConnectedEdge[] }>('/v1/edges', EVERY_MS);
  return (
    <Page title="Edge nodes">
      {data ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {data && (
        <div className="card">
          <Table
            caption="Connected edge nodes"
            columns={COLUMNS}
            rows={data.edges}
            rowKey={({ edgeId, nodeId, since }) => `${edgeId} ${nodeId} ${since}`}
            none="No edge node is connected. Without one, a stopped stream ends when its lease does."
          />
        </div>
      )}
    </Page>
  );
}
