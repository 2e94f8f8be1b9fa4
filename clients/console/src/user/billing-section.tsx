import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { User } from '../api/types.js';
import { Action } from '../components/action.js';
import { Id } from '../components/name.js';
import { Badge, Facts, Section, When } from '../components/parts.js';
import { toneOfStatus } from '../timeline/steps.js';

/** What the payment processors know of the user, and what the user watches. */
export function BillingSection({ user, reload }: { user: User; reload: () => void }) {
  const { userId, subscriptions, links, recommendations, playback } = user;
  const mayHelp = useMay('support');
  return (
    <Section
      title="Billing and content"
      actions={
        mayHelp &&
        subscriptions.length > 0 && (
          <Action
            label="Ask the processor"
            explanation={`The payment processors are asked for the subscriptions of ${userId}. What differs is repaired.`}
            path={`/v1/users/${segment(userId)}/subscriptions/refetch`}
            call={{ method: 'POST' }}
            done={(response) => <Refetched of={response as RefetchedSubscriptions} />}
            onDone={reload}
          />
        )
      }
    >
      <Facts
        of={[
          [
            'Subscriptions',
            subscriptions.length === 0 ? undefined : (
              <ul>
                {subscriptions.map(({ processor, subscriptionId, status, planId, asOf }) => (
                  <li key={`${processor} ${subscriptionId}`}>
                    {processor} · <Id of={subscriptionId} /> · {planId ?? 'no plan'}{' '}
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
              : recommendations.map(({ profileId, version }) => `${profileId}: ${version ?? ''}`).join(', '),
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

/** `POST /v1/users/{userId}/subscriptions/refetch` */
interface RefetchedSubscriptions {
  readonly subscriptions: readonly { processor: string; subscriptionId: string; outcome: string }[];
}

const OUTCOMES: Record<string, string> = {
  same: 'is as it was known',
  repaired: 'was different, and is repaired',
  waiting: 'waits for a plan or a link',
  failed: 'could not be read: the processor did not answer, or does not know it',
  no_api: 'cannot be asked for: this processor has no API here',
};

function Refetched({ of: { subscriptions } }: { of: RefetchedSubscriptions }) {
  return (
    <ul>
      {subscriptions.map(({ processor, subscriptionId, outcome }) => (
        <li key={`${processor} ${subscriptionId}`}>
          {processor} <Id of={subscriptionId} /> {OUTCOMES[outcome] ?? outcome}.
        </li>
      ))}
    </ul>
  );
}
