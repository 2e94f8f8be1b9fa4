/** A plan of the page, as PUT /v1/plans takes it. */
export interface DemoPlan {
  readonly planId: string;
  readonly name: string;
  readonly price: string;
  /** Cents a month, as the payment processor's objects say it. */
  readonly amount: number;
  readonly capabilities: {
    readonly streaming: boolean;
    readonly maxStreams: number;
    readonly maxQuality: string;
    readonly downloads: boolean;
    readonly ads: boolean;
  };
}

/** Names of their own, so that plans which a developer made are left alone. */
export const BASIC: DemoPlan = {
  planId: 'demo-basic',
  name: 'Basic',
  price: 'price_demo_basic_monthly',
  amount: 599,
  capabilities: { streaming: true, maxStreams: 1, maxQuality: '720p', downloads: false, ads: true },
};
export const PREMIUM: DemoPlan = {
  planId: 'demo-premium',
  name: 'Premium',
  price: 'price_demo_premium_monthly',
  amount: 1399,
  capabilities: { streaming: true, maxStreams: 4, maxQuality: '4K', downloads: true, ads: false },
};
export const DEMO_PLANS: readonly DemoPlan[] = [BASIC, PREMIUM];
