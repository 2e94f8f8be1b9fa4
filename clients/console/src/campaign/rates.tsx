import { useMemo } from 'react';
import type { DescribedCampaign, EngagementAnswer } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { useNow } from '../components/now.js';
import { ErrorNotice, Section } from '../components/parts.js';
import { Chart } from '../engagement/chart.js';
import { WindowButtons } from '../engagement/filters.js';
import { NumbersSection } from '../engagement/numbers.js';
import { linesOf, numbersOf, questionPath, windowOf } from '../engagement/question.js';
import { Link, usePlace } from '../router.js';
import { sentOf } from './funnel.js';

const EVERY_MS = 30_000;
const MINUTE_MS = 60_000;

/** What people did with a campaign, over time, as shares of those who got it. */
export function Rates({ of: campaign }: { of: DescribedCampaign }) {
  const { query } = usePlace();
  const window = windowOf(query.get('window'));
  const minute = Math.floor(useNow() / MINUTE_MS) * MINUTE_MS;
  const filter = { campaign: campaign.name, groupBy: 'kind' };
  const { data, error } = useApi<EngagementAnswer>(questionPath(window, filter, minute), EVERY_MS);
  const name = encodeURIComponent(campaign.name);
  return (
    <>
      <Section
        title="What people did"
        note={
          campaign.broadcast
            ? 'Of the devices that got it, about: they are counted by a sample. Nothing tells whom it was delivered to.'
            : 'Of those who got it, how many have done what since the beginning of the window.'
        }
        actions={
          <>
            <Link to={`/engagement?campaign=${name}`}>By channel and platform</Link>{' '}
            <Link to={`/engagement/compare?a=${name}`}>Compare with another</Link>
          </>
        }
      >
        <WindowButtons current={window.id} />
        <ErrorNotice error={error} />
        {data && <RateChart answer={data} sent={sentOf(campaign)} />}
      </Section>
      {data && <NumbersSection title="In numbers" numbers={numbersOf(data)} file={`${campaign.name}.csv`} />}
    </>
  );
}

function RateChart({ answer, sent }: { answer: EngagementAnswer; sent: number }) {
  const times = useMemo(() => answer.buckets.map((bucket) => Date.parse(bucket)), [answer]);
  const lines = useMemo(
    () =>
      linesOf(answer).map(({ label, values }) => ({ label: `${label} (%)`, values: sharesOf(values, sent) })),
    [answer, sent],
  );
  if (lines.length === 0) return <p className="quiet">Nobody has done anything in this time.</p>;
  return <Chart title="Shares of those who got it; the numbers follow" times={times} lines={lines} />;
}

/** Returns the sum of the counts up to each, as percent. */
function sharesOf(counts: readonly number[], of: number): number[] {
  let sum = 0;
  return counts.map((n) => {
    sum += n;
    return of === 0 ? 0 : (100 * sum) / of;
  });
}
