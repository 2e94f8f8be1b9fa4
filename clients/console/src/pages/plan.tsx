import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { DescribedPlan } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { ErrorNotice, Facts, Loading, Page, Section, When } from '../components/parts.js';
import { count } from '../format.js';
import { navigate, usePlace } from '../router.js';
import { PlanForm } from './plan-form.js';
import { inWords } from './plans.js';

const EVERY_MS = 5_000;
/** Counts stop here. */
const MAX_COUNT = 100_000;

/** A plan: whom it is granted to, and how it is changed. */
export function PlanPage({ planId }: { planId: string }) {
  const { data: plan, error, reload } = useApi<DescribedPlan>(`/v1/plans/${segment(planId)}`, EVERY_MS);
  const mayRun = useMay('operate');
  return (
    <Page title={plan?.name ?? planId}>
      {plan ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {plan && (
        <>
          <Section title="Plan">
            <Facts
              of={[
                ['Id', plan.planId],
                ['Allows', inWords(plan.capabilities)],
                ['Prices', plan.prices.join(', ')],
                ['Members', atMost(plan.members)],
                [
                  'Roll-out',
                  plan.behind === 0
                    ? 'every member has the newest capabilities'
                    : `${atMost(plan.behind)} members wait for them`,
                ],
                ['Changed', <When at={plan.updatedAt} />],
              ]}
            />
          </Section>
          {mayRun && (
            <Section title="Change it">
              <PlanForm key={plan.revision} planId={planId} plan={plan} onDone={reload} />
            </Section>
          )}
        </>
      )}
    </Page>
  );
}

/** A plan that is not there yet; the query may name its first price. */
export function NewPlanPage() {
  const price = usePlace().query.get('price') ?? '';
  const plan = {
    name: '',
    prices: price === '' ? [] : [price],
    capabilities: { streaming: true, maxStreams: 1, maxQuality: '1080p', downloads: false, ads: false },
  };
  return (
    <Page title="New plan">
      <Section title="Plan">
        <PlanForm plan={plan} onDone={(planId) => navigate(`/plans/${segment(planId)}`)} />
      </Section>
    </Page>
  );
}

const atMost = (n: number): string => (n >= MAX_COUNT ? `${count(MAX_COUNT)} or more` : count(n));
