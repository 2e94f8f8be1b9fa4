import { type FormEvent, useState } from 'react';
import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { DescribedEvent, Resent } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Action } from '../components/action.js';
import { ErrorNotice, Facts, Loading, Page, Section, When } from '../components/parts.js';
import { EventDescription } from '../timeline/steps.js';
import { Link, replaceQuery, usePlace } from '../router.js';

const EVERY_MS = 2_000;

/** One event: whether each device got it, and why not. */
export function EventPage({ userId, eventId }: { userId: string; eventId: string }) {
  const device = usePlace().query.get('device') ?? '';
  const only = device === '' ? '' : `?${String(new URLSearchParams({ deviceId: device }))}`;
  const path = `/v1/users/${segment(userId)}/events/${segment(eventId)}${only}`;
  const mayHelp = useMay('support');
  const { data: event, error, reload } = useApi<DescribedEvent>(path, EVERY_MS);
  return (
    <Page
      title={event?.type ?? 'Event'}
      actions={
        mayHelp &&
        event &&
        !event.superseded && <Resend userId={userId} eventId={eventId} device={device} onDone={reload} />
      }
    >
      {event ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {event && (
        <>
          <Section title="Event">
            <Facts
              of={[
                ['User', <Link to={`/users/${segment(userId)}`}>{userId}</Link>],
                ['Published', <When at={event.at} />],
                ['For', event.target ?? 'every device'],
                ['Key', event.key],
                ['Expires', <When at={event.expiresAt} />],
              ]}
            />
          </Section>
          <Section title="What became of it" actions={<DeviceForm key={device} device={device} />}>
            <EventDescription userId={userId} event={event} />
          </Section>
        </>
      )}
    </Page>
  );
}

const WAYS: Record<Resent['devices'][number]['by'], string> = {
  connection: 'is connected, and was sent it again',
  push: 'is asleep, and a push is on its way',
  later: 'is asleep and cannot be pushed to: it gets it when it connects',
  nothing: 'has it, or is not meant to get it',
};

/** Sends the event again to the device that was asked about, or to all that have not got it. */
function Resend({
  userId,
  eventId,
  device,
  onDone,
}: {
  userId: string;
  eventId: string;
  device: string;
  onDone: () => void;
}) {
  const to = device === '' ? 'every device that has not got it' : device;
  return (
    <Action
      label="Resend"
      explanation={`The event is sent again to ${to}, as it is: a device that has it all the same ignores it. One that is not connected is pushed to once more, within the preferences of the user.`}
      path={`/v1/users/${segment(userId)}/events/${segment(eventId)}/resend`}
      call={{ method: 'POST', body: device === '' ? {} : { deviceId: device } }}
      done={(response) => (
        <ul>
          {(response as Resent).devices.map(({ deviceId, by }) => (
            <li key={deviceId}>
              <strong>{deviceId}</strong> {WAYS[by]}.
            </li>
          ))}
        </ul>
      )}
      onDone={onDone}
    />
  );
}

/** Asks about one device: by its id, since it may be another user's. */
function DeviceForm({ device }: { device: string }) {
  const [text, setText] = useState(device);
  const ask = (wanted: string) => replaceQuery(new URLSearchParams(wanted === '' ? {} : { device: wanted }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask(text.trim());
  };
  return (
    <form className="find" onSubmit={submit}>
      <label htmlFor="device" className="sr-only">
        Device
      </label>
      <input
        id="device"
        value={text}
        placeholder="Any device id"
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit">Why?</button>
      {device !== '' && (
        <button type="button" onClick={() => ask('')}>
          All devices
        </button>
      )}
    </form>
  );
}
