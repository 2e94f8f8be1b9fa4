import { segment } from '../api/api.js';
import type { AuditEntry } from '../api/types.js';
import { usePages } from '../api/use-pages.js';
import { Field } from '../components/field.js';
import { Id } from '../components/name.js';
import { More } from '../components/more.js';
import { ErrorNotice, Loading, Nothing, Page, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { Link, replaceQuery, usePlace } from '../router.js';

const FILTERS = [
  ['user', 'User'],
  ['actor', 'By (id)'],
  ['action', 'Action'],
] as const;

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: 'When', cell: ({ at }) => <When at={at} /> },
  {
    title: 'Who',
    cell: ({ actor, role }) => (
      <>
        {actor.name} <span className="quiet">{actor.kind === 'key' ? 'key' : role}</span>
      </>
    ),
  },
  { title: 'Action', cell: ({ action }) => <Id of={action} /> },
  {
    title: 'What',
    cell: ({ target, userId }) => (
      <>
        {target.kind} {target.id !== null && target.id !== userId && <Id of={target.id} />}{' '}
        {userId !== null && <Link to={`/users/${segment(userId)}`}>{userId}</Link>}
      </>
    ),
  },
  { title: 'Reason', cell: ({ reason }) => reason ?? <Nothing /> },
  { title: 'Change', cell: (entry) => <Change of={entry} /> },
];

/** Who changed what, when and why. */
export function AuditPage() {
  const { query } = usePlace();
  const asked = new URLSearchParams({ limit: '100' });
  for (const [name] of FILTERS) {
    const value = query.get(name)?.trim();
    if (value) asked.set(name, value);
  }
  const pages = usePages<AuditEntry>(`/v1/audit?${String(asked)}`, { list: 'entries' });
  const filter = (name: string, value: string) => {
    const changed = new URLSearchParams(query);
    if (value === '') changed.delete(name);
    else changed.set(name, value);
    replaceQuery(changed);
  };
  return (
    <Page title="Audit">
      <div className="filters">
        {FILTERS.map(([name, label]) => (
          <Field
            key={name}
            label={label}
            value={query.get(name) ?? ''}
            onChange={(value) => filter(name, value)}
          />
        ))}
      </div>
      {pages.items ? <ErrorNotice error={pages.error} /> : <Loading error={pages.error} />}
      {pages.items && (
        <div className="card">
          <Table
            caption="What people and back offices changed"
            columns={COLUMNS}
            rows={pages.items}
            rowKey={({ id }) => id}
            none="Nothing that was changed is known."
          />
          <More pages={pages} label="Older" />
        </div>
      )}
    </Page>
  );
}

/** More fields than these are shown when they are asked for. */
const MOST_SHOWN = 3;

/** The fields that changed, as they were and as they are. */
function Change({ of: { before, after, result } }: { of: AuditEntry }) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  if (names.length === 0) return <span className="quiet">{result}</span>;
  const fields = (
    <ul>
      {names.map((name) => (
        <li key={name}>
          <span className="quiet">{name}</span>{' '}
          {before && (
            <>
              <code>{text(before[name])}</code> →{' '}
            </>
          )}
          <code>{text(after?.[name])}</code>
        </li>
      ))}
    </ul>
  );
  if (names.length <= MOST_SHOWN) return fields;
  return (
    <details>
      <summary>{names.length} fields</summary>
      {fields}
    </details>
  );
}

/** JSON in one line, with spaces at which it may be broken. */
const text = (value: unknown): string =>
  value === undefined ? '–' : JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, ' ');
