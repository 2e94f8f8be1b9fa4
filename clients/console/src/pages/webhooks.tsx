import { segment } from '../api/api.js';
import type { ListedWebhook } from '../api/types.js';
import { usePages } from '../api/use-pages.js';
import { Name } from '../components/name.js';
import { More } from '../components/more.js';
import { ErrorNotice, Loading, Nothing, Page, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { Link, replaceQuery, usePlace } from '../router.js';
import { webhookPath } from '../timeline/steps.js';
import { WaitingFor } from './waiting-for.js';

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

/** What the payment processors sent, by what became of it. */
export function WebhooksPage() {
  const { query } = usePlace();
  const status = STATUSES.find((one) => one === query.get('status')) ?? 'waiting';
  const pages = usePages<ListedWebhook>(`/v1/webhooks?status=${status}&limit=100`, { list: 'webhooks' });
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
      {pages.items ? <ErrorNotice error={pages.error} /> : <Loading error={pages.error} />}
      {pages.items && (
        <div className="card">
          <Table
            caption={`Webhooks that are ${status}`}
            columns={COLUMNS}
            rows={pages.items}
            rowKey={({ processor, eventId }) => `${processor} ${eventId}`}
            none={`No webhook is ${status}.`}
          />
          <More pages={pages} label="Older" />
        </div>
      )}
    </Page>
  );
}

const COLUMNS: readonly Column<ListedWebhook>[] = [
  { title: 'Received', cell: ({ receivedAt }) => <When at={receivedAt} /> },
  {
    title: 'Webhook',
    cell: (webhook) => (
      <>
        {webhook.processor} · <Name of={webhook.type} />
        <br />
        <Link to={webhookPath(webhook)} className="id">
          {webhook.eventId}
        </Link>
      </>
    ),
  },
  {
    title: 'User',
    cell: ({ userId }) =>
      userId === null ? <Nothing /> : <Link to={`/users/${segment(userId)}`}>{userId}</Link>,
  },
  { title: 'Because', cell: ({ reason }) => reason ?? <Nothing /> },
  { title: 'Waits for', cell: ({ waitingFor }) => <WaitingFor of={waitingFor ?? []} /> },
  { title: 'Attempts', cell: ({ attempts }) => attempts, isNumber: true },
];
