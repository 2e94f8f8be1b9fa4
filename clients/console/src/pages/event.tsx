import { segment } from '../api/api.js';
import type { EventStep } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { ErrorNotice, Facts, Loading, Page, Section, When } from '../components/parts.js';
import { EventDescription } from '../timeline/steps.js';
import { Link } from '../router.js';

const EVERY_MS = 2_000;

/** One event: whether each device got it, and why not. */
export function EventPage({ userId, eventId }: { userId: string; eventId: string }) {
  const path = `/v1/users/${segment(userId)}/events/${segment(eventId)}`;
  const { data: event, error } = useApi<EventStep>(path, EVERY_MS);
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
          <Section title="What became of it">
            <EventDescription userId={userId} event={event} />
          </Section>
        </>
      )}
    </Page>
  );
}
