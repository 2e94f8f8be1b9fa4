import { useState } from 'react';
import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { ServiceKey } from '../api/types.js';
import { usePages } from '../api/use-pages.js';
import { Action } from '../components/action.js';
import { Check, Field } from '../components/field.js';
import { Id } from '../components/name.js';
import { More } from '../components/more.js';
import { Badge, ErrorNotice, Loading, Nothing, Page, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';

const SCOPES = ['publish', 'recommendations', 'edge', 'read', 'support', 'operate', 'admin'] as const;

/** Who and what may call Usher. For administrators. */
export function KeysPage() {
  const mayRead = useMay('admin');
  if (!mayRead)
    return (
      <Page title="Keys">
        <p>Service keys are shown to administrators.</p>
      </Page>
    );
  return <KeysOfAdministrators />;
}

function KeysOfAdministrators() {
  const pages = usePages<ServiceKey>('/v1/keys?limit=100', { list: 'keys' });
  const columns: readonly Column<ServiceKey>[] = [
    { title: 'Name', cell: ({ name }) => name },
    { title: 'Id', cell: ({ id }) => <Id of={id} /> },
    { title: 'Scopes', cell: ({ scopes }) => scopes.join(', ') },
    { title: 'State', cell: (key) => <State of={key} /> },
    { title: 'Created', cell: ({ createdAt }) => <When at={createdAt} /> },
    { title: 'Last used', cell: ({ lastUsedAt }) => <When at={lastUsedAt} /> },
    {
      title: 'Action',
      cell: ({ id, name, revokedAt }) =>
        revokedAt === null ? (
          <Action
            label="Revoke"
            name={`Revoke ${name}`}
            explanation={`Whatever uses the key “${name}” is refused within two seconds. It cannot be undone.`}
            path={`/v1/keys/${segment(id)}`}
            call={{ method: 'DELETE' }}
            isDangerous
            done={() => 'The key is revoked.'}
            onDone={pages.goLive}
          />
        ) : (
          <Nothing />
        ),
    },
  ];
  return (
    <Page title="Keys" actions={<NewKey onDone={pages.goLive} />}>
      {pages.items ? <ErrorNotice error={pages.error} /> : <Loading error={pages.error} />}
      {pages.items && (
        <div className="card">
          <Table
            caption="Service keys"
            columns={columns}
            rows={pages.items}
            rowKey={({ id }) => id}
            none="There is no key but ADMIN_KEY."
          />
          <More pages={pages} label="Older" />
        </div>
      )}
    </Page>
  );
}

function State({ of: { revokedAt, expiresAt } }: { of: ServiceKey }) {
  if (revokedAt !== null) return <Badge tone="quiet">revoked</Badge>;
  if (expiresAt === null) return <Badge tone="good">valid</Badge>;
  if (Date.parse(expiresAt) <= Date.now()) return <Badge tone="quiet">expired</Badge>;
  return (
    <>
      <Badge tone="good">valid</Badge> ends <When at={expiresAt} />
    </>
  );
}

function NewKey({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState('');
  const [expires, setExpires] = useState('');
  const [scopes, setScopes] = useState<readonly string[]>([]);
  const toggle = (scope: string, isOn: boolean) =>
    setScopes((before) => (isOn ? [...before, scope] : before.filter((one) => one !== scope)));
  const expiresAt = expires === '' ? undefined : new Date(expires).toISOString();
  return (
    <Action
      label="New key"
      explanation="The key is shown once, and never again."
      fields={
        <>
          <Field
            label="Name"
            value={name}
            onChange={setName}
            required
            note="What uses it, as: the nightly job"
          />
          <fieldset>
            <legend>Scopes</legend>
            {SCOPES.map((scope) => (
              <Check
                key={scope}
                label={scope}
                checked={scopes.includes(scope)}
                onChange={(isOn) => toggle(scope, isOn)}
              />
            ))}
          </fieldset>
          <Field
            label="Ends"
            type="datetime-local"
            value={expires}
            onChange={setExpires}
            note="Empty: never"
          />
        </>
      }
      path="/v1/keys"
      call={{ method: 'POST', body: { name, scopes, ...(expiresAt !== undefined && { expiresAt }) } }}
      done={(response) => (
        <>
          <p>Copy it now:</p>
          <p>
            <code className="secret">{(response as { key: string }).key}</code>
          </p>
        </>
      )}
      onDone={onDone}
    />
  );
}
