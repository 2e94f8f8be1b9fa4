import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { DescribedCampaign } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Action } from '../components/action.js';
import { ErrorNotice, Facts, Loading, Page, Section, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { count } from '../format.js';
import { CampaignState } from './campaigns.js';

const EVERY_MS = 2_000;

/** One campaign: what it is, what may be done with it, and what became of its members. */
export function CampaignPage({ name }: { name: string }) {
  const path = `/v1/campaigns/${segment(name)}`;
  const { data: campaign, error, reload } = useApi<DescribedCampaign>(path, EVERY_MS);
  return (
    <Page
      title={`Campaign ${name}`}
      actions={campaign && <Acts path={path} state={campaign.state} reload={reload} />}
    >
      {campaign ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {campaign && (
        <>
          <Section title="What it is">
            <Facts
              of={[
                ['State', <CampaignState state={campaign.state} />],
                ['Problem', campaign.problem],
                ['Written by', campaign.author.name],
                ['Approved by', campaign.approver?.name],
                ['Begins', <When at={campaign.startsAt} />],
                ['Expires', <When at={campaign.expiresAt} />],
                ['All members found', <When at={campaign.frozenAt} />],
                ['Ended', <When at={campaign.endedAt} />],
              ]}
            />
            <pre>{JSON.stringify(campaign.campaign, null, 2)}</pre>
          </Section>
          <Funnel of={campaign} />
        </>
      )}
    </Page>
  );
}

interface Step {
  readonly what: string;
  readonly count: number;
  /** Of which the share is told. */
  readonly of?: number;
}

const COLUMNS: readonly Column<Step>[] = [
  { title: 'Step', cell: ({ what }) => what },
  { title: 'Count', cell: (step) => count(step.count), isNumber: true },
  { title: 'Share', cell: (step) => shareOf(step), isNumber: true },
];

function Funnel({ of: { campaign, counts, outcomes } }: { of: DescribedCampaign }) {
  const hasGoal = campaign['goal'] !== undefined;
  const { audience, duplicates, members, pending, queued, skipped, converted } = counts;
  const sent = Object.values(queued).reduce((sum, n) => sum + n, 0);
  const ofMembers = (prefix: string, by: Readonly<Record<string, number>>): Step[] =>
    Object.entries(by).map(([name, n]) => ({ what: `${prefix} ${name}`, count: n, of: members }));
  const steps: readonly Step[] = [
    { what: 'Found in its audiences', count: audience },
    { what: 'Found again in another one', count: duplicates.users, of: audience },
    { what: 'Persons', count: members, of: audience },
    { what: 'Not told yet', count: pending, of: members },
    ...ofMembers('Told by', queued),
    ...ofMembers('Skipped:', skipped),
    ...(hasGoal ? [{ what: 'Converted', count: converted, of: sent }] : []),
    ...outcomes.map((one): Step => {
      const told = outcomes.filter(({ channel }) => channel === one.channel);
      const sum = told.reduce((total, each) => total + each.count, 0);
      return { what: `${one.channel}: ${one.state}`, count: one.count, of: sum };
    }),
  ];
  return (
    <Section
      title="What became of it"
      note="Persons are counted once. Of pushes there is one for each device, and counts of messages stop at a million."
    >
      <Table
        caption="Funnel of the campaign"
        columns={COLUMNS}
        rows={steps}
        rowKey={({ what }) => what}
        none="Nothing yet."
      />
    </Section>
  );
}

function shareOf({ count: part, of }: Step): string {
  return of === undefined || of === 0 ? '' : `${((100 * part) / of).toFixed(1)} %`;
}

const EXPLANATIONS: Record<string, string> = {
  approve: 'It may be scheduled then. When it is rewritten it must be approved again.',
  schedule: 'It begins at its time, or at once if that has passed.',
  pause: 'Nobody else is told until it is resumed. What is queued already is sent.',
  resume: 'The members who were not told yet are told.',
  abort: 'Nobody else is told, for good. What is queued already is sent.',
};
const ACTS: Record<string, readonly string[]> = {
  draft: ['approve', 'abort'],
  approved: ['schedule', 'abort'],
  scheduled: ['abort'],
  running: ['pause', 'abort'],
  paused: ['resume', 'abort'],
};

function Acts({ path, state, reload }: { path: string; state: string; reload: () => void }) {
  const mayOperate = useMay('operate');
  if (!mayOperate) return null;
  return (ACTS[state] ?? []).map((act) => (
    <Action
      key={act}
      label={act.charAt(0).toUpperCase() + act.slice(1)}
      explanation={EXPLANATIONS[act]}
      path={`${path}/${act}`}
      call={{ method: 'POST' }}
      isDangerous={act === 'abort'}
      done={() => 'Done.'}
      onDone={reload}
    />
  ));
}
