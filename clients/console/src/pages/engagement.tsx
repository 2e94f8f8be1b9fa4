import { useMemo } from 'react';
import type { EngagementAnswer } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { useNow } from '../components/now.js';
import { ErrorNotice, Loading, Page, Section, When } from '../components/parts.js';
import { Chart } from '../engagement/chart.js';
import { Choice, FilterForm, WindowButtons } from '../engagement/filters.js';
import { NumbersSection } from '../engagement/numbers.js';
import { linesOf, nameOf, numbersOf, questionPath, windowOf } from '../engagement/question.js';
import { EngagementTabs } from '../engagement/tabs.js';
import { type Column, Table } from '../components/table.js';
import { count } from '../format.js';
import { usePlace } from '../router.js';

const EVERY_MS = 10_000;
const MINUTE_MS = 60_000;
const GROUPS = ['kind', 'campaign', 'template', 'channel', 'platform', 'country'];

/** What people did, over time. */
export function EngagementPage() {
  const { query } = usePlace();
  const window = windowOf(query.get('window'));
  const groupBy = GROUPS.find((one) => one === query.get('by')) ?? 'kind';
  const filter = {
    team: query.get('team') ?? '',
    campaign: query.get('campaign') ?? '',
    kind: query.get('kind') ?? '',
  };
  const minute = Math.floor(useNow() / MINUTE_MS) * MINUTE_MS;
  const { data, error } = useApi<EngagementAnswer>(
    questionPath(window, { ...filter, groupBy }, minute),
    EVERY_MS,
  );
  return (
    <Page title="Engagement">
      <EngagementTabs current="/engagement" />
      <WindowButtons current={window.id} />
      <div className="filter-row">
        <Choice name="by" label="By" options={GROUPS} value={groupBy} />
        <FilterForm
          fields={[
            ['campaign', 'Campaign'],
            ['team', 'Team'],
            ['kind', 'Kind'],
          ]}
        />
      </div>
      {data ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {data && <Answer answer={data} groupBy={groupBy} />}
    </Page>
  );
}

function Answer({ answer, groupBy }: { answer: EngagementAnswer; groupBy: string }) {
  const times = useMemo(() => answer.buckets.map((bucket) => Date.parse(bucket)), [answer]);
  const lines = useMemo(() => linesOf(answer), [answer]);
  return (
    <>
      <Section
        title={`By ${groupBy}`}
        note={
          <>
            Counted up to <When at={answer.rolledUpTo} />. What programs did, such as privacy proxies, is in
            no line.
          </>
        }
      >
        {lines.length > 0 && (
          <Chart title={`Engagement by ${groupBy}; the numbers follow`} times={times} lines={lines} />
        )}
        <Table
          caption="Totals"
          columns={TOTALS}
          rows={answer.series}
          rowKey={({ group }) => nameOf(group)}
          none="Nothing was done in this time."
        />
      </Section>
      <NumbersSection title="Numbers" numbers={numbersOf(answer)} file={`engagement-by-${groupBy}.csv`} />
    </>
  );
}

type Series = EngagementAnswer['series'][number];

const TOTALS: readonly Column<Series>[] = [
  { title: 'Group', cell: ({ group }) => nameOf(group) },
  { title: 'By people', cell: ({ total }) => count(total), isNumber: true },
  { title: 'By programs', cell: ({ machineTotal }) => count(machineTotal), isNumber: true },
];
