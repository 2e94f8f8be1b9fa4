/** A plan as `PUT /v1/plans/{planId}` takes it. */
export interface Plan {
  readonly name: string;
  readonly prices: readonly string[];
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** What applying a file does to one plan. `changes` are sentences. */
export interface PlanChange {
  readonly planId: string;
  readonly action: 'create' | 'change' | 'keep';
  readonly changes: readonly string[];
}

/** Compares a plan of the file with the one that is there. */
export function diffPlan(planId: string, wanted: Plan, present: Plan | undefined): PlanChange {
  if (!present) return { planId, action: 'create', changes: [] };
  const changes = [
    ...changed('name', present.name, wanted.name),
    ...present.prices.filter((price) => !wanted.prices.includes(price)).map((price) => `prices: - ${price}`),
    ...wanted.prices.filter((price) => !present.prices.includes(price)).map((price) => `prices: + ${price}`),
    ...reordered(present.prices, wanted.prices),
    ...[...new Set([...Object.keys(present.capabilities), ...Object.keys(wanted.capabilities)])].flatMap(
      (name) => changed(name, present.capabilities[name], wanted.capabilities[name]),
    ),
  ];
  return { planId, action: changes.length === 0 ? 'keep' : 'change', changes };
}

const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

const changed = (what: string, before: unknown, after: unknown): string[] =>
  JSON.stringify(before) === JSON.stringify(after) ? [] : [`${what}: ${show(before)} → ${show(after)}`];

/** The first of a plan's prices is the one that people buy. */
const reordered = (before: readonly string[], after: readonly string[]): string[] =>
  before.length === after.length &&
  before.every((price) => after.includes(price)) &&
  before.join() !== after.join()
    ? [`prices: in another order, ${after.join(', ')}`]
    : [];
