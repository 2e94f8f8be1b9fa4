import { useState } from 'react';
import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { Forecast, Overview, OverviewPush, PushResults } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Action } from '../components/action.js';
import { Check } from '../components/field.js';
import { Badge, ErrorNotice, Loading, Nothing, Page, Section, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { count, span, timeOfDay } from '../format.js';

const EVERY_MS = 5_000;

/** What waits for each push provider, what became of pushes, and the switch that holds them back. */
export function PushPage() {
  const { data: forecast, error } = useApi<Forecast>('/v1/push/forecast', EVERY_MS);
  const { data: results, error: noResults } = useApi<PushResults>('/v1/push/results', EVERY_MS);
  const { data: overview, error: noOverview, reload } = useApi<Overview>('/v1/operations/overview', EVERY_MS);
  return (
    <Page title="Push">
      {forecast && overview ? (
        <ErrorNotice error={error ?? noOverview} />
      ) : (
        <Loading error={error ?? noOverview} />
      )}
      {forecast && overview && <Waiting forecast={forecast} overview={overview} reload={reload} />}
      {results ? <ErrorNotice error={noResults} /> : <Loading error={noResults} />}
      {results && <Results of={results} />}
    </Page>
  );
}

type Vendor = Forecast['vendors'][number] & { readonly paused: OverviewPush['paused'] };

const WAITING: readonly Column<Vendor>[] = [
  { title: 'Provider', cell: ({ vendor }) => vendor },
  { title: 'Critical', cell: ({ waiting }) => count(waiting.critical), isNumber: true },
  { title: 'Important', cell: ({ waiting }) => count(waiting.important), isNumber: true },
  { title: 'A second', cell: ({ perSecond }) => count(perSecond), isNumber: true },
  {
    title: 'All sent',
    cell: ({ seconds, throughAt, paused }) => {
      if (paused && seconds > 0) return 'once it is resumed';
      return seconds === 0 ? 'now' : `in ${span(seconds * 1_000)}, at ${timeOfDay(throughAt).slice(0, 5)}`;
    },
  },
  {
    title: 'State',
    cell: ({ paused }) =>
      paused ? (
        <>
          <Badge tone="warn">{paused.critical ? 'paused, also critical' : 'paused'}</Badge>{' '}
          <span className="quiet">
            <When at={paused.since} />
          </span>
        </>
      ) : (
        <Badge tone="good">sending</Badge>
      ),
  },
];

function Waiting({
  forecast,
  overview,
  reload,
}: {
  forecast: Forecast;
  overview: Overview;
  reload: () => void;
}) {
  const mayOperate = useMay('operate');
  const rows = forecast.vendors.map((one): Vendor => {
    const paused = overview.push.find(({ vendor }) => vendor === one.vendor)?.paused ?? null;
    return { ...one, paused };
  });
  const actions: Column<Vendor> = {
    title: 'Actions',
    cell: (vendor) => <PauseOrResume vendor={vendor} reload={reload} />,
  };
  return (
    <Section title="Waiting to be sent" note="What may be sent now. Each count stops at a million.">
      <Table
        caption="What waits for each push provider"
        columns={mayOperate ? [...WAITING, actions] : WAITING}
        rows={rows}
        rowKey={({ vendor }) => vendor}
        none="No push provider is configured: see APNS_KEY, FCM_CREDENTIALS and VAPID_PUBLIC_KEY."
      />
    </Section>
  );
}

function PauseOrResume({ vendor: { vendor, paused }, reload }: { vendor: Vendor; reload: () => void }) {
  const [critical, setCritical] = useState(false);
  const path = `/v1/push/pauses/${segment(vendor)}`;
  if (paused)
    return (
      <Action
        label="Resume"
        name={`Resume ${vendor}`}
        explanation={`Pushes by ${vendor} are sent again, those that waited first, each if it is still wanted.`}
        path={path}
        call={{ method: 'DELETE' }}
        done={() => 'They are sent again, on all nodes.'}
        onDone={reload}
      />
    );
  return (
    <Action
      label="Pause"
      name={`Pause ${vendor}`}
      explanation={`Pushes by ${vendor} wait on all nodes, for 24 hours at most. Devices that are connected get their events all the same.`}
      fields={<Check label="Critical ones too" checked={critical} onChange={setCritical} />}
      path={path}
      call={{ method: 'PUT', body: { critical } }}
      isDangerous
      done={() => 'They wait, on all nodes, within a second.'}
      onDone={reload}
    />
  );
}

type Result = PushResults['vendors'][number]['results'][number] & { readonly vendor: string };

const RESULTS: readonly Column<Result>[] = [
  { title: 'Provider', cell: ({ vendor }) => vendor },
  {
    title: 'Result',
    cell: ({ state, reason, fix }) => (
      <>
        <Badge tone={toneOf(state, fix)}>{STATES[state] ?? state}</Badge>{' '}
        {reason === null ? '' : <code>{reason}</code>}
      </>
    ),
  },
  { title: 'Last hour', cell: ({ hour }) => count(hour), isNumber: true },
  { title: 'Last day', cell: ({ day }) => count(day), isNumber: true },
  { title: 'What to do', cell: ({ fix }) => fix ?? <Nothing /> },
];

const STATES: Record<string, string> = {
  delivered: 'taken by the provider',
  cleared: 'removed from the screen',
  withdrawn: 'not wanted any more',
  expired: 'expired',
  gone: 'address no longer good',
  failed: 'refused',
  queued: 'tried again later',
};

function toneOf(state: string, fix: string | undefined) {
  if (fix !== undefined || state === 'failed') return 'bad';
  if (state === 'delivered') return 'good';
  return state === 'expired' || state === 'gone' ? 'warn' : 'quiet';
}

function Results({ of: { vendors } }: { of: PushResults }) {
  const rows = vendors.flatMap(({ vendor, results }) => results.map((one): Result => ({ ...one, vendor })));
  return (
    <Section title="What became of pushes" note="Counted by spans of five minutes, on all nodes together.">
      <Table
        caption="What became of pushes"
        columns={RESULTS}
        rows={rows}
        rowKey={({ vendor, state, reason }) => `${vendor} ${state} ${reason}`}
        none="No push was decided about in the last day."
      />
    </Section>
  );
}
