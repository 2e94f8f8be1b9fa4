import { useState } from 'react';
import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { DescribedWebhook } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Action } from '../components/action.js';
import { Field } from '../components/field.js';
import { Badge, ErrorNotice, Facts, Loading, Nothing, Page, Section, When } from '../components/parts.js';
import { Link } from '../router.js';
import { need, WaitingFor } from './waiting-for.js';

const EVERY_MS = 5_000;
const NOT_APPLIED = new Set(['stored', 'waiting', 'failed', 'ignored', 'stale']);

/** One webhook: what became of it, what is in it, and what can be done so that it is applied. */
export function WebhookPage({ processor, eventId }: { processor: string; eventId: string }) {
  const path = `/v1/webhooks/${segment(processor)}/${segment(eventId)}`;
  const { data: webhook, error, reload } = useApi<DescribedWebhook>(path, EVERY_MS);
  const mayRun = useMay('operate');
  return (
    <Page
      title={webhook?.type ?? 'Webhook'}
      actions={
        webhook &&
        mayRun &&
        NOT_APPLIED.has(webhook.status) && (
          <Action
            label="Try again"
            explanation="It is applied again now, if what it waits for is there."
            path={`${path}/retry`}
            call={{ method: 'POST' }}
            done={(response) => `It is ${(response as DescribedWebhook).status} now.`}
            onDone={reload}
          />
        )
      }
    >
      {webhook ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {webhook && (
        <>
          <Section title="What became of it">
            <Facts
              of={[
                [
                  'Status',
                  <Badge tone={webhook.status === 'applied' ? 'good' : 'warn'}>{webhook.status}</Badge>,
                ],
                ['Because', webhook.reason],
                ['Waits for', <WaitingFor of={webhook.waitingFor ?? []} />],
                [
                  'User',
                  webhook.userId && <Link to={`/users/${segment(webhook.userId)}`}>{webhook.userId}</Link>,
                ],
                ['Attempts', webhook.attempts],
                ['Next attempt', <When at={webhook.nextAttemptAt} />],
                ['Received', <When at={webhook.receivedAt} />],
                ['From', `${webhook.processor}, ${webhook.eventId}`],
              ]}
            />
            {mayRun && webhook.status === 'waiting' && <Fixes webhook={webhook} reload={reload} />}
          </Section>
          <Section title="Body" note="What is about a person, or secret, is left out.">
            {webhook.body === null || webhook.body === undefined ? (
              <Nothing />
            ) : (
              <pre tabIndex={0}>{JSON.stringify(webhook.body, null, 2)}</pre>
            )}
          </Section>
        </>
      )}
    </Page>
  );
}

/** A way out for each thing that it waits for. */
function Fixes({ webhook, reload }: { webhook: DescribedWebhook; reload: () => void }) {
  return (
    <div className="actions">
      {(webhook.waitingFor ?? []).map(need).map((needed) => {
        if (needed.kind === 'price')
          return (
            <Link
              key={needed.id}
              className="button"
              to={`/new-plan?${String(new URLSearchParams({ price: needed.id }))}`}
            >
              Create a plan with {needed.id}
            </Link>
          );
        if (needed.kind === 'customer')
          return (
            <LinkCustomer
              key={needed.id}
              processor={needed.processor}
              customerId={needed.id}
              reload={reload}
            />
          );
        return null;
      })}
    </div>
  );
}

function LinkCustomer({
  processor,
  customerId,
  reload,
}: {
  processor: string;
  customerId: string;
  reload: () => void;
}) {
  const [userId, setUserId] = useState('');
  return (
    <Action
      label={`Link ${customerId} to a user`}
      explanation={`What ${processor} says of the customer ${customerId} then changes this user’s membership.`}
      fields={<Field label="User id" value={userId} onChange={setUserId} required />}
      path={`/v1/users/${segment(userId.trim())}/links/${segment(processor)}`}
      call={{ method: 'PUT', body: { customerId } }}
      done={() => `${customerId} is linked to ${userId}. What waited for it is applied.`}
      onDone={reload}
    />
  );
}
