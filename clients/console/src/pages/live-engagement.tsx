import { useMemo } from 'react';
import { useNow } from '../components/now.js';
import { Badge, ErrorNotice, Page, Section } from '../components/parts.js';
import { Chart } from '../engagement/chart.js';
import { FilterForm } from '../engagement/filters.js';
import { type LiveHour, useLiveHour } from '../engagement/live-stream.js';
import { NumbersSection } from '../engagement/numbers.js';
import { EngagementTabs } from '../engagement/tabs.js';
import { usePlace } from '../router.js';

const MINUTE_MS = 60_000;
const MINUTES = 60;
/** What is known comes first, in the order in which it is done: largest first would change places and colours while one looks. */
const KINDS = ['delivered', 'opened', 'tapped', 'dismissed', 'converted', 'unsubscribed'];

/** What people do now. */
export function LiveEngagementPage() {
  const { query } = usePlace();
  const filter = ['team', 'campaign'].flatMap((name) => {
    const value = query.get(name);
    return value === null ? [] : [[name, value]];
  });
  const { hour, isLive, error } = useLiveHour(`/v1/analytics/stream?${new URLSearchParams(filter)}`);
  const minute = Math.floor(useNow() / MINUTE_MS) * MINUTE_MS;
  const times = useMemo(
    () => Array.from({ length: MINUTES }, (_, n) => minute - (MINUTES - 1 - n) * MINUTE_MS),
    [minute],
  );
  const lines = useMemo(() => linesOf(hour, times), [hour, times]);
  const rows = times
    .map((ms, n): [string, ...number[]] => [
      new Date(ms).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' }),
      ...lines.map(({ values }) => values[n] ?? 0),
    ])
    .filter(([, ...numbers]) => numbers.some((one) => one > 0))
    .toReversed();
  return (
    <Page
      title="Live engagement"
      actions={isLive ? <Badge tone="good">live</Badge> : <Badge tone="warn">not connected</Badge>}
    >
      <EngagementTabs current="/engagement/live" />
      <FilterForm
        fields={[
          ['campaign', 'Campaign'],
          ['team', 'Team'],
        ]}
      />
      <ErrorNotice error={error} />
      <Section title="The last hour, by the minute">
        {lines.length === 0 ? (
          <p className="quiet">Nothing was done in the last hour.</p>
        ) : (
          <Chart title="Engagement of the last hour; the numbers follow" times={times} lines={lines} />
        )}
      </Section>
      <NumbersSection
        title="Numbers"
        numbers={{ columns: ['Minute', ...lines.map(({ label }) => label)], rows }}
        file="engagement-live.csv"
      />
    </Page>
  );
}

function linesOf(hour: LiveHour, times: readonly number[]) {
  const kinds = new Set([...hour.values()].flatMap((counts) => Array.from(counts.keys())));
  const known = KINDS.filter((kind) => kinds.delete(kind));
  return [...known, ...[...kinds].toSorted()].map((kind) => ({
    label: kind,
    values: times.map((ms) => hour.get(new Date(ms).toISOString())?.get(kind) ?? 0),
  }));
}
