import type { Overview, OverviewNode } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Id } from '../components/name.js';
import { Badge, ErrorNotice, Loading, Page, Section, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { count, span } from '../format.js';
import { type Alarm, alarmsOf } from '../overview/alarms.js';
import { Link } from '../router.js';

const EVERY_MS = 5_000;

/** How Usher is, and what somebody should look at. */
export function OverviewPage() {
  const { data, error } = useApi<Overview>('/v1/operations/overview', EVERY_MS);
  return (
    <Page title="Overview">
      {data ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {data && (
        <>
          <Alarms of={alarmsOf(data)} />
          <Numbers of={data} />
          <Section title="Nodes">
            <Table
              caption="Nodes"
              columns={COLUMNS}
              rows={data.nodes ?? []}
              rowKey={({ id }) => id}
              none="Not known while Redis is away."
            />
          </Section>
        </>
      )}
    </Page>
  );
}

function Alarms({ of: alarms }: { of: readonly Alarm[] }) {
  return (
    <Section title="Needs somebody">
      {alarms.length === 0 ? (
        <p>
          <Badge tone="good">nothing</Badge>
        </p>
      ) : (
        <ul className="alarms">
          {alarms.map(({ alert, tone, fact, remedy, to }) => (
            <li key={fact.replaceAll(/\d+/g, '')} className={`notice ${tone}`}>
              <strong>{fact}</strong> {remedy} {to && <Link to={to}>Look</Link>}{' '}
              <a href={`/docs/operate/alerts#${alert.toLowerCase()}`}>What to do</a>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

const seconds = (value: number | null): string => (value === null ? 'nothing waits' : span(value * 1_000));

function Numbers({ of: { total, handoffs, push, webhooks } }: { of: Overview }) {
  const numbers: [string, string][] = [
    ['Devices connected', total ? count(total.sockets) : 'not known'],
    ['Edge nodes', total ? count(total.edges) : 'not known'],
    ['Load level', total ? String(total.loadLevel) : 'not known'],
    ['Oldest critical handoff', seconds(handoffs.critical)],
    ['Oldest important handoff', seconds(handoffs.important)],
    ...push.map(({ vendor, dueSeconds }): [string, string] => [
      `Push by ${vendor}`,
      seconds(dueSeconds.critical ?? dueSeconds.important),
    ]),
    ...webhooks.processors.map(({ processor, silentSeconds }): [string, string] => [
      `Last webhook of ${processor}`,
      `${span(silentSeconds * 1_000)} ago`,
    ]),
  ];
  return (
    <dl className="numbers">
      {numbers.map(([name, value]) => (
        <div key={name} className="card">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const COLUMNS: readonly Column<OverviewNode>[] = [
  {
    title: 'Node',
    cell: ({ id, host }) => (
      <>
        <Id of={id} /> <span className="quiet">{host}</span>
      </>
    ),
  },
  {
    title: 'State',
    cell: ({ state }) => <Badge tone={state === 'accepting' ? 'good' : 'warn'}>{state}</Badge>,
  },
  { title: 'Roles', cell: ({ roles }) => roles.join(', ') },
  { title: 'Version', cell: ({ version }) => version },
  { title: 'Started', cell: ({ since }) => <When at={since} /> },
  { title: 'Load level', cell: ({ loadLevel }) => loadLevel, isNumber: true },
  { title: 'Devices', cell: ({ sockets }) => count(sockets), isNumber: true },
  { title: 'Edges', cell: ({ edges }) => count(edges), isNumber: true },
];
