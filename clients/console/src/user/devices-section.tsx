import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { Device, User } from '../api/types.js';
import { Action } from '../components/action.js';
import { useNow } from '../components/now.js';
import { Id } from '../components/name.js';
import { Badge, Nothing, Section, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { count, timeIn } from '../format.js';
import { Link } from '../router.js';

/** The user's devices: whether each is connected and in step, and what can be done with it. */
export function DevicesSection({ user, reload }: { user: User; reload: () => void }) {
  const mayHelp = useMay('support');
  const actions: Column<Device> = {
    title: 'Actions',
    cell: (device) => <DeviceActions userId={user.userId} device={device} reload={reload} />,
  };
  return (
    <Section title="Devices" note={notAppliedNote(user)}>
      <Table
        caption="Devices"
        columns={mayHelp ? [...DEVICE_COLUMNS, actions] : DEVICE_COLUMNS}
        rows={user.devices}
        rowKey={({ deviceId }) => deviceId}
        none="The user has no device. One that connects is registered by that."
      />
    </Section>
  );
}

function DeviceActions({ userId, device, reload }: { userId: string; device: Device; reload: () => void }) {
  const { deviceId, connection } = device;
  const path = `/v1/users/${segment(userId)}/devices/${segment(deviceId)}`;
  return (
    <div className="actions">
      <Action
        label="Test event"
        name={`Test event to ${deviceId}`}
        explanation={`${deviceId} is sent a test event, with a push if it is not connected. It is good for five minutes.`}
        path={`${path}/test-event`}
        call={{ method: 'POST' }}
        done={(response) => {
          const { id } = response as { id: string };
          return (
            <p>
              It was published.{' '}
              <Link to={`/users/${segment(userId)}/events/${segment(id)}`}>Look what becomes of it</Link>
            </p>
          );
        }}
      />
      {connection && (
        <Action
          label="Disconnect"
          name={`Disconnect ${deviceId}`}
          explanation={`The connection of ${deviceId} ends. It reconnects at once, and resumes from its position.`}
          path={`${path}/disconnect`}
          call={{ method: 'POST' }}
          done={() => 'The connection was ended.'}
          onDone={reload}
        />
      )}
    </div>
  );
}

function notAppliedNote({ notApplied, devices }: User): string | undefined {
  if (devices.length === 0) return undefined;
  if (notApplied.length === 0) return 'Every device has applied the newest membership.';
  return `Not confirmed the newest membership yet: ${notApplied.join(', ')}.`;
}

const DEVICE_COLUMNS: readonly Column<Device>[] = [
  {
    title: 'Device',
    cell: ({ deviceId, name }) => (
      <>
        <Id of={deviceId} />
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
