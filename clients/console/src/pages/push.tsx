import type { Forecast } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { ErrorNotice, Loading, Page, Section } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { count, span, timeOfDay } from '../format.js';

const EVERY_MS = 5_000;

type Vendor = Forecast['vendors'][number];

const COLUMNS: readonly Column<Vendor>[] = [
  { title: 'Provider', cell: ({ vendor }) => vendor },
  { title: 'Critical', cell: ({ waiting }) => count(waiting.critical), isNumber: true },
  { title: 'Important', cell: ({ waiting }) => count(waiting.important), isNumber: true },
  { title: 'A second', cell: ({ perSecond }) => count(perSecond), isNumber: true },
  {
    title: 'All sent',
    cell: ({ seconds, throughAt }) =>
      seconds === 0 ? 'now' : `in ${span(seconds * 1_000)}, at ${timeOfDay(throughAt).slice(0, 5)}`,
  },
];

/** What waits for each push provider. */
export function PushPage() {
  const { data, error } = useApi<Forecast>('/v1/push/forecast', EVERY_MS);
  return (
    <Page title="Push">
      {data ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {data && (
        <Section title="Waiting to be sent" note="What may be sent now. Each count stops at a million.">
          <Table
            caption="What waits for each push provider"
            columns={COLUMNS}
            rows={data.vendors}
            rowKey={({ vendor }) => vendor}
            none="No push provider is configured: see APNS_KEY, FCM_CREDENTIALS and VAPID_PUBLIC_KEY."
          />
        </Section>
      )}
    </Page>
  );
}
