import { useMemo } from 'react';
import type { EngagementAnswer } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { useNow } from '../components/now.js';
import { ErrorNotice, Page, Section } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { Chart } from '../engagement/chart.js';
import type { Numbers } from '../engagement/csv.js';
import { FilterForm, WindowButtons } from '../engagement/filters.js';
import { NumbersSection } from '../engagement/numbers.js';
import { numbersOf, questionPath, windowOf } from '../engagement/question.js';
import { EngagementTabs } from '../engagement/tabs.js';
import { count } from '../format.js';
import { usePlace } from '../router.js';

const EVERY_MS = 30_000;
const MINUTE_MS = 60_000;
/** Each kind as a share of those who got it; where nothing tells of deliveries, of opens. */
const STEPS = ['delivered', 'opened', 'tapped', 'converted', 'dismissed', 'unsubscribed'];

/** Two campaigns side by side. */
export function CompareCampaignsPage() {
  const { query } = usePlace();
  const window = windowOf(query.get('window'));
  const [one, other] = [query.get('a') ?? '', query.get('b') ?? ''];
  const minute = Math.floor(useNow() / MINUTE_MS) * MINUTE_MS;
  const pathOf = (campaign: string) =>
    campaign === '' ? undefined : questionPath(window, { campaign, groupBy: 'kind' }, minute);
  const [a, b] = [
    useApi<EngagementAnswer>(pathOf(one), EVERY_MS),
    useApi<EngagementAnswer>(pathOf(other), EVERY_MS),
  ];
  return (
    <Page title="Compare campaigns">
      <EngagementTabs current="/engagement/compare" />
      <WindowButtons current={window.id} />
      <FilterForm
        fields={[
          ['a', 'Campaign'],
          ['b', 'With'],
        ]}
      />
      <ErrorNotice error={a.error ?? b.error} />
      {a.data && b.data ? (
        <Comparison names={[one, other]} answers={[a.data, b.data]} />
      ) : (
        <p className="quiet">Name two campaigns.</p>
      )}
    </Page>
  );
}

type Pair<T> = readonly [T, T];

function Comparison({ names, answers }: { names: Pair<string>; answers: Pair<EngagementAnswer> }) {
  const [a, b] = answers;
  const times = useMemo(() => a.buckets.map((bucket) => Date.parse(bucket)), [a]);
  const kind = STEPS.slice(1).find((step) => totalOf(a, step) + totalOf(b, step) > 0) ?? 'opened';
  const lines = useMemo(
    () => [
      { label: names[0], values: countsOf(a, kind) },
      { label: names[1], values: countsOf(b, kind) },
    ],
    [names, a, b, kind],
  );
  const rows = STEPS.map((step) => ({ step, totals: [totalOf(a, step), totalOf(b, step)] as const }));
  const firsts: Pair<number> = [baseOf(a), baseOf(b)];
  const columns: Column<(typeof rows)[number]>[] = [
    { title: 'Kind', cell: ({ step }) => step },
    ...names.map((name, n) => ({
      title: name,
      cell: ({ totals }: (typeof rows)[number]) => share(totals[n] ?? 0, firsts[n] ?? 0),
      isNumber: true,
    })),
  ];
  return (
    <>
      <Section title={`${kind}, over time`}>
        <Chart title={`${kind} of ${names.join(' and ')}; the numbers follow`} times={times} lines={lines} />
      </Section>
      <Section
        title="In all"
        note="Shares are of what was delivered, or of what was opened where nothing tells of deliveries."
      >
        <Table caption="In all" columns={columns} rows={rows} rowKey={({ step }) => step} none="" />
      </Section>
      <NumbersSection
        title="Numbers"
        numbers={beside(names, answers, kind)}
        file={`${names.join('-and-')}.csv`}
      />
    </>
  );
}

const seriesOf = ({ series }: EngagementAnswer, kind: string) => series.find(({ group }) => group === kind);
const totalOf = (answer: EngagementAnswer, kind: string): number => seriesOf(answer, kind)?.total ?? 0;
const countsOf = (answer: EngagementAnswer, kind: string): readonly number[] =>
  seriesOf(answer, kind)?.counts ?? answer.buckets.map(() => 0);
const baseOf = (answer: EngagementAnswer): number =>
  totalOf(answer, 'delivered') || totalOf(answer, 'opened');

const share = (total: number, of: number): string =>
  of === 0 ? count(total) : `${count(total)} (${((100 * total) / of).toFixed(1)} %)`;

function beside(names: Pair<string>, [a, b]: Pair<EngagementAnswer>, kind: string): Numbers {
  const only = (answer: EngagementAnswer, name: string): EngagementAnswer => ({
    ...answer,
    series: [
      { group: name, total: 0, machineTotal: 0, counts: [...countsOf(answer, kind)], machineCounts: [] },
    ],
  });
  const both = only(a, names[0]);
  return numbersOf({ ...both, series: [...both.series, ...only(b, names[1]).series] });
}
