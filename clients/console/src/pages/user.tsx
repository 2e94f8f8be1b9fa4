import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { Device, Stream, User } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Action } from '../components/action.js';
import { useNow } from '../components/now.js';
import { Badge, ErrorNotice, Facts, Loading, Nothing, Page, Section, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { count, timeIn } from '../format.js';
import { UserTimeline } from '../timeline/timeline.js';
import { toneOfStatus } from '../timeline/steps.js';

const EVERY_MS = 5_000;

/** Everything about one user, and what can be done for them. */
export function UserPage({ userId }: { userId: string }) {
  const { data: user, error, reload } = useApi<User>(`/v1/users/${segment(userId)}`, EVERY_MS);
  const mayHelp = useMay('support');
  return (
    <Page
      title={userId}
      actions={
        mayHelp && (
          <Action
            label="Revoke tokens"
            explanation={`All tokens of ${userId} that were issued until now are refused, and the connections that were opened with them are closed. The user signs in again.`}
            path={`/v1/users/${segment(userId)}/revocations`}
            call={{ method: 'POST', body: {} }}
            isDangerous
            done={() => 'The tokens are refused everywhere within two seconds.'}
            onDone={reload}
          />
        )
      }
    >
      {user ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {user && (
        <>
          <div className="columns">
            <MembershipSection user={user} />
            <BillingSection user={user} />
          </div>
          <Section title="Devices" note={notAppliedNote(user)}>
            <Table
              caption="Devices"
              columns={DEVICE_COLUMNS}
              rows={user.devices}
              rowKey={({ deviceId }) => deviceId}
              none="The user has no device. One that connects is registered by that."
            />
          </Section>
          <StreamsSection user={user} reload={reload} />
        </>
      )}
      <UserTimeline userId={userId} devices={user?.devices.map(({ deviceId }) => deviceId) ?? []} />
    </Page>
  );
}

function notAppliedNote({ notApplied, devices }: User): string | undefined {
  if (devices.length === 0) return undefined;
  if (notApplied.length === 0) return 'Every device has applied the newest membership.';
  return `Not confirmed the newest membership yet: ${notApplied.join(', ')}.`;
}

function MembershipSection({ user: { membership, awake } }: { user: User }) {
  const { status, planId, version, effectiveAt, cancelAt, reason, pendingChange, capabilities } = membership;
  const allowed = [
    capabilities.streaming
      ? `${capabilities.maxStreams} streams, up to ${capabilities.maxQuality}`
      : 'no streaming',
    ...(capabilities.downloads ? ['downloads'] : []),
    ...(capabilities.ads ? ['with ads'] : []),
  ].join(', ');
  return (
    <Section title="Membership">
      <Facts
        of={[
          ['Status', <Badge tone={toneOfStatus(status)}>{status}</Badge>],
          ['Plan', planId],
          ['May', allowed],
          ['Version', version],
          ['Since', <When at={effectiveAt} />],
          ['Ends', <When at={cancelAt} />],
          ['Because of', reason],
          ['Asked for', pendingChange && `${pendingChange.action} ${pendingChange.planId ?? ''}`],
          ['Connected', awake === undefined ? 'not known: Redis is down' : awake ? 'yes' : 'no device'],
        ]}
      />
    </Section>
  );
}

function BillingSection({ user: { subscriptions, links, recommendations, playback } }: { user: User }) {
  return (
    <Section title="Billing and content">
      <Facts
        of={[
          [
            'Subscriptions',
            subscriptions.length === 0 ? undefined : (
              <ul>
                {subscriptions.map(({ processor, subscriptionId, status, planId, asOf }) => (
                  <li key={`${processor} ${subscriptionId}`}>
                    {processor} · <span className="id">{subscriptionId}</span> · {planId ?? 'no plan'}{' '}
                    <Badge tone={toneOfStatus(status)}>{status}</Badge>{' '}
                    <span className="quiet">
                      as of <When at={asOf} />
                    </span>
                  </li>
                ))}
              </ul>
            ),
          ],
          [
            'Customers',
            links.length === 0
              ? undefined
              : links.map(({ processor, customerId }) => `${processor}: ${customerId}`).join(', '),
          ],
          [
            'Front pages',
            recommendations.length === 0
              ? undefined
              : recommendations.map(({ profileId }) => profileId).join(', '),
          ],
          [
            'Titles in progress',
            playback.length === 0 ? undefined : playback.map(({ showId }) => showId).join(', '),
          ],
        ]}
      />
    </Section>
  );
}

const DEVICE_COLUMNS: readonly Column<Device>[] = [
  {
    title: 'Device',
    cell: ({ deviceId, name }) => (
      <>
        <span className="id">{deviceId}</span>
        {name && <span className="quiet"> {name}</span>}
      </>
    ),
  },
  {
    title: 'Platform',
    cell: ({ platform, appVersion }) => `${platform}${appVersion === null ? '' : ` ${appVersion}`}`,
  },
  {
    title: 'Membership',
    cell: ({ membership }) => (
      <Badge
        tone={
          membership === 'applied' || membership === 'seen'
            ? 'good'
            : membership === 'unknown'
              ? 'quiet'
              : 'warn'
        }
      >
        {membership === 'none' ? 'not received' : membership}
      </Badge>
    ),
  },
  { title: 'Push', cell: ({ push }) => push?.kind ?? <Nothing /> },
  { title: 'Local time', cell: ({ timezone }) => <LocalTime timezone={timezone} /> },
  { title: 'Connected', cell: (device) => <Connected device={device} /> },
];

function Connected({ device: { connection, lastSeenAt } }: { device: Device }) {
  if (!connection)
    return (
      <span className="quiet">
        {connection === null ? 'no' : 'not known'}, seen <When at={lastSeenAt} />
      </span>
    );
  const { nodeId, transport, since, lag, unacknowledged } = connection;
  const behind = [
    ...(lag !== null && lag > 0 ? [`${count(lag)} behind`] : []),
    ...(unacknowledged > 0 ? [`${count(unacknowledged)} not acknowledged`] : []),
  ].join(', ');
  return (
    <>
      <Badge tone={behind === '' ? 'good' : 'warn'}>{behind === '' ? 'in step' : behind}</Badge>{' '}
      <span className="quiet">
        {transport}, <When at={since} />, node {nodeId}
      </span>
    </>
  );
}

function LocalTime({ timezone }: { timezone: string | null }) {
  const now = useNow();
  const time = timezone === null ? undefined : timeIn(timezone, new Date(now));
  if (time === undefined) return <Nothing />;
  return (
    <>
      {time} <span className="quiet">{timezone}</span>
    </>
  );
}

const STREAM_COLUMNS: readonly Column<Stream>[] = [
  { title: 'Title', cell: ({ titleId }) => titleId },
  { title: 'Device', cell: ({ deviceId }) => <span className="id">{deviceId}</span> },
  { title: 'Edge', cell: ({ edgeId }) => edgeId },
  { title: 'Started', cell: ({ startedAt }) => <When at={startedAt} /> },
  { title: 'Stream', cell: ({ streamId }) => <span className="id quiet">{streamId}</span> },
];

function StreamsSection({ user, reload }: { user: User; reload: () => void }) {
  const mayHelp = useMay('support');
  const { userId, streams, membership } = user;
  return (
    <Section
      title={`Streams (${streams.length} of ${membership.capabilities.maxStreams})`}
      actions={
        mayHelp &&
        streams.length > 0 && (
          <Action
            label="Stop all streams"
            explanation={`The running streams of ${userId} stop on every device. The user may start new ones, as far as the membership allows.`}
            path={`/v1/users/${segment(userId)}/streams`}
            call={{ method: 'DELETE' }}
            isDangerous
            done={(response) => {
              const { stopped } = response as { stopped: readonly string[] };
              return `${stopped.length} ${stopped.length === 1 ? 'stream was' : 'streams were'} stopped.`;
            }}
            onDone={reload}
          />
        )
      }
    >
      <Table
        caption="Running streams"
        columns={STREAM_COLUMNS}
        rows={streams}
        rowKey={({ streamId }) => streamId}
        none="Nothing is playing."
      />
    </Section>
  );
}
