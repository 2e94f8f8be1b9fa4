import type { DescribedCampaign } from '../api/types.js';
import { Nothing, Section } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { count } from '../format.js';

/** One line of the funnel, and of what its share is told. */
interface FunnelStep {
  readonly what: string;
  readonly count: number;
  readonly of?: number;
}

const COLUMNS: readonly Column<FunnelStep>[] = [
  { title: 'Step', cell: ({ what }) => what },
  { title: 'Count', cell: (step) => count(step.count), isNumber: true },
  { title: 'Share', cell: (step) => <Share {...step} />, isNumber: true },
];

function Share({ count: part, of }: FunnelStep) {
  if (of === undefined || of === 0) return <Nothing />;
  const percent = (100 * part) / of;
  return (
    <span className="share">
      {percent.toFixed(1)} %
      <span className="share-bar" aria-hidden="true">
        <span style={{ inlineSize: `${Math.min(100, percent)}%` }} />
      </span>
    </span>
  );
}

/** Returns how many members a campaign was sent to, by whichever channel; of one to everyone about how many devices. */
export const sentOf = ({ counts: { queued }, broadcast }: DescribedCampaign): number =>
  broadcast?.counts.estimated.sent ?? Object.values(queued).reduce((sum, n) => sum + n, 0);

/** What became of the members of a campaign. */
export function Funnel({ of: campaign }: { of: DescribedCampaign }) {
  return (
    <Section
      title="What became of it"
      note="Persons are counted once. Of pushes there is one for each device, and counts of messages stop at a million."
    >
      <Table
        caption="Funnel of the campaign"
        columns={COLUMNS}
        rows={stepsOf(campaign)}
        rowKey={({ what }) => what}
        none="Nothing yet."
      />
    </Section>
  );
}

function stepsOf(described: DescribedCampaign): readonly FunnelStep[] {
  const { counts, outcomes, campaign } = described;
  const { audience, duplicates, members, pending, queued, skipped, converted } = counts;
  const ofMembers = (prefix: string, by: Readonly<Record<string, number>>): FunnelStep[] =>
    Object.entries(by).map(([name, n]) => ({ what: `${prefix} ${name}`, count: n, of: members }));
  return [
    { what: 'Found in its audiences', count: audience },
    { what: 'Found again in another one', count: duplicates.users, of: audience },
    { what: 'Persons', count: members, of: audience },
    { what: 'Waiting for their turn', count: pending, of: members },
    ...ofMembers('Sent by', queued),
    ...ofMembers('Skipped:', skipped),
    ...(campaign['goal'] === undefined
      ? []
      : [{ what: 'Converted (of those who got it)', count: converted, of: sentOf(described) }]),
    ...outcomes.map((one): FunnelStep => {
      const ofChannel = outcomes.filter(({ channel }) => channel === one.channel);
      const sum = ofChannel.reduce((total, each) => total + each.count, 0);
      return { what: `${one.channel}: ${one.state}`, count: one.count, of: sum };
    }),
  ];
}
