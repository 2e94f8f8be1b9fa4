/** A plan of the demo, as PUT /v1/plans takes it. */
export interface DemoPlan {
  readonly planId: string;
  readonly name: string;
  readonly price: string;
  /** Cents a month, as Stripe's objects have it. */
  readonly amount: number;
  readonly capabilities: {
    readonly streaming: boolean;
    readonly maxStreams: number;
    readonly maxQuality: string;
    readonly downloads: boolean;
    readonly ads: boolean;
  };
}

// The ids have a prefix, so that the demo never overwrites a plan that a developer made.
/** The plan of the page's button "Basic". */
export const BASIC: DemoPlan = {
  planId: 'demo-basic',
  name: 'Basic',
  price: 'price_demo_basic_monthly',
  amount: 599,
  capabilities: { streaming: true, maxStreams: 1, maxQuality: '720p', downloads: false, ads: true },
};
/** The plan of the page's button "Premium". */
export const PREMIUM: DemoPlan = {
  planId: 'demo-premium',
  name: 'Premium',
  price: 'price_demo_premium_monthly',
  amount: 1399,
  capabilities: { streaming: true, maxStreams: 4, maxQuality: '4K', downloads: true, ads: false },
};
/** All plans of the demo. */
export const DEMO_PLANS: readonly DemoPlan[] = [BASIC, PREMIUM];
