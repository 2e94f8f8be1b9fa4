import type { ReactNode } from 'react';
import type { Webhooks } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { ErrorNotice, Loading, Nothing, Page, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { Link, replaceQuery, usePlace } from '../router.js';

const EVERY_MS = 5_000;
const STATUSES = ['waiting', 'failed', 'stored', 'applied', 'stale', 'ignored'] as const;
const MEANINGS: Record<(typeof STATUSES)[number], string> = {
  waiting:
    'They need a plan, a customer link or a subscription that is not known yet. Create it, and they are applied by themselves.',
  failed: 'Applying them failed. They are tried again, without end.',
  stored: 'They were received, and are about to be applied.',
  applied: 'They changed a membership.',
  stale: 'Something newer was known already.',
  ignored: 'They change no membership.',
};

type Webhook = Webhooks['webhooks'][number];

/** What the payment processors sent, by what became of it. */
export function WebhooksPage() {
  const { query } = usePlace();
  const status = STATUSES.find((one) => one === query.get('status')) ?? 'waiting';
  const { data, error } = useApi<Webhooks>(`/v1/webhooks?status=${status}&limit=200`, EVERY_MS);
  return (
    <Page title="Webhooks">
      <nav aria-label="Status" className="tabs">
        {STATUSES.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === status}
            onClick={() => replaceQuery(new URLSearchParams({ status: one }))}
          >
            {one}
          </button>
        ))}
      </nav>
      <p className="note">{MEANINGS[status]}</p>
      {data ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {data && (
        <div className="card">
          <Table
            caption={`Webhooks that are ${status}`}
            columns={COLUMNS}
            rows={data.webhooks}
            rowKey={({ processor, eventId }) => `${processor} ${eventId}`}
            none={`No webhook is ${status}.`}
          />
        </div>
      )}
    </Page>
  );
}

const COLUMNS: readonly Column<Webhook>[] = [
  { title: 'Received', cell: ({ receivedAt }) => <When at={receivedAt} /> },
  {
    title: 'Webhook',
    cell: ({ processor, type, eventId }) => (
      <>
        {processor} · {type}
        <br />
        <span className="id quiet">{eventId}</span>
      </>
    ),
  },
  {
    title: 'User',
    cell: ({ userId }) =>
      userId === null ? <Nothing /> : <Link to={`/users/${encodeURIComponent(userId)}`}>{userId}</Link>,
  },
  { title: 'Because', cell: ({ reason }) => reason ?? <Nothing /> },
  { title: 'Waits for', cell: ({ waitingFor }) => <WaitingFor of={waitingFor} /> },
  { title: 'Attempts', cell: ({ attempts }) => attempts, isNumber: true },
];

function WaitingFor({ of }: { of: Webhook['waitingFor'] }): ReactNode {
  const all = of === null ? [] : [of].flat();
  if (all.length === 0) return <Nothing />;
  return (
    <ul>
      {all.map((one) => (
        <li key={one}>{inWords(one)}</li>
      ))}
    </ul>
  );
}

/** `price:price_1`, `customer:stripe:cus_1`, `subscription:sub_1`, as the response has them. */
function inWords(name: string): ReactNode {
  const [kind, ...rest] = name.split(':');
  const id = (from: number) => <span className="id">{rest.slice(from).join(':')}</span>;
  if (kind === 'price') return <>a plan with the price {id(0)}</>;
  if (kind === 'customer') return <>a user for the customer {id(1)} of {rest[0]}</>; // prettier-ignore
  if (kind === 'subscription') return <>the subscription {id(0)}</>;
  return <span className="id">{name}</span>;
}
