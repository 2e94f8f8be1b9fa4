import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { User } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Action } from '../components/action.js';
import { ErrorNotice, Loading, Page } from '../components/parts.js';
import { UserTimeline } from '../timeline/timeline.js';
import { BillingSection } from '../user/billing-section.js';
import { DevicesSection } from '../user/devices-section.js';
import { MembershipSection } from '../user/membership-section.js';
import { PreferencesSection } from '../user/preferences-section.js';
import { StreamsSection } from '../user/streams-section.js';

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
            <BillingSection user={user} reload={reload} />
          </div>
          <DevicesSection user={user} reload={reload} />
          <StreamsSection user={user} reload={reload} />
          <PreferencesSection user={user} />
        </>
      )}
      <UserTimeline userId={userId} devices={user?.devices.map(({ deviceId }) => deviceId) ?? []} />
    </Page>
  );
}
