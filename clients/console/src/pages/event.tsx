import { type FormEvent, useState } from 'react';
import { segment } from '../api/api.js';
import type { DescribedEvent } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { ErrorNotice, Facts, Loading, Page, Section, When } from '../components/parts.js';
import { EventDescription } from '../timeline/steps.js';
import { Link, replaceQuery, usePlace } from '../router.js';

const EVERY_MS = 2_000;

/** One event: whether each device got it, and why not. */
export function EventPage({ userId, eventId }: { userId: string; eventId: string }) {
  const device = usePlace().query.get('device') ?? '';
  const only = device === '' ? '' : `?${String(new URLSearchParams({ deviceId: device }))}`;
  const path = `/v1/users/${segment(userId)}/events/${segment(eventId)}${only}`;
  const { data: event, error } = useApi<DescribedEvent>(path, EVERY_MS);
  return (
    <Page title={event?.type ?? 'Event'}>
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
