import type { z } from 'zod';
import type { planList, planPreview } from '../../../../src/membership/plans/plans.schema.js';
import { path, type UsherApi } from '../api/usher-api.js';
import { idempotencyKey } from '../cli.js';
import type { Plan } from './plan-diff.js';

const PAGE = 500;

/** Returns every plan that Usher knows, by its id. Throws as the API's calls do. */
export async function readPlans(api: UsherApi): Promise<Map<string, Plan>> {
  const plans = new Map<string, Plan>();
  for (let after: string | undefined; ;) {
    const query = new URLSearchParams({ limit: String(PAGE), ...(after !== undefined && { after }) });
    const page = (await api.call('GET', `/v1/plans?${query.toString()}`)) as z.output<typeof planList>;
    for (const { planId, name, prices, capabilities } of page.plans)
      plans.set(planId, { name, prices, capabilities });
    if (page.next === undefined) return plans;
    after = page.next;
  }
}

/** Creates the plan, or replaces the one with this id. Throws as the API's calls do. */
export const putPlan = (
  api: UsherApi,
  planId: string,
  { name, prices, capabilities }: Plan,
): Promise<unknown> =>
  api.call('PUT', path`/v1/plans/${planId}`, {
    body: { name, prices, capabilities },
    headers: idempotencyKey(undefined),
  });

/** What `putPlan` would do. */
export type PlanPreview = z.output<typeof planPreview>;

/** Asks what `putPlan` would do. Throws as the API's calls do. */
export const previewPlan = async (api: UsherApi, planId: string, plan: Plan): Promise<PlanPreview> =>
  (await api.call('POST', path`/v1/plans/${planId}/preview`, { body: plan })) as PlanPreview;
