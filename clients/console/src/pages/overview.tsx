import type { Forecast, Health, ListedWebhook } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Badge, Facts, Loading, Page, Section } from '../components/parts.js';
import { count } from '../format.js';
import { Link } from '../router.js';

const EVERY_MS = 5_000;

/** How Usher is. */
export function OverviewPage() {
  const health = useApi<Health>('/health/ready', EVERY_MS);
  const waiting = useApi<{ readonly webhooks: readonly ListedWebhook[] }>(
    '/v1/webhooks?status=waiting&limit=100',
    EVERY_MS,
  );
  const failed = useApi<{ readonly webhooks: readonly ListedWebhook[] }>(
    '/v1/webhooks?status=failed&limit=100',
    EVERY_MS,
  );
  const push = useApi<Forecast>('/v1/push/forecast', EVERY_MS);
  return (
    <Page title="Overview">
      <div className="columns">
        <Section title="This node">
          {health.data ? (
            <Facts
              of={[
                ['Takes traffic', isUp(health.data.accepting)],
                ['PostgreSQL', isUp(health.data.postgres === 'up')],
                ['Redis', isUp(health.data.redis === 'up')],
              ]}
            />
          ) : (
            <Loading error={health.error} />
          )}
        </Section>
        <Section title="Needs somebody">
          {waiting.data && failed.data && push.data ? (
            <Facts
              of={[
                [
                  'Webhooks that wait',
                  <Link to="/webhooks?status=waiting">{atMost(waiting.data.webhooks.length)}</Link>,
                ],
                [
                  'Webhooks that failed',
                  <Link to="/webhooks?status=failed">{atMost(failed.data.webhooks.length)}</Link>,
                ],
                ['Pushes that wait', <Link to="/push">{count(pushesOf(push.data))}</Link>],
              ]}
            />
          ) : (
            <Loading error={waiting.error ?? failed.error ?? push.error} />
          )}
        </Section>
      </div>
    </Page>
  );
}

const isUp = (is: boolean) => <Badge tone={is ? 'good' : 'bad'}>{is ? 'up' : 'down'}</Badge>;
const atMost = (n: number): string => (n === 100 ? '100 or more' : String(n));
const pushesOf = ({ vendors }: Forecast): number =>
  vendors.reduce((sum, { waiting }) => sum + waiting.critical + waiting.important, 0);
