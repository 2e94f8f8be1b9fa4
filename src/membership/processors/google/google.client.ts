import {
  AccessTokenError,
  GoogleAccessTokenClient,
} from '../../../platform/google/google-access-token.client.js';
import { type Budget, budgetOf } from '../../../platform/budgets/budget.js';
import type { ServiceAccount } from '../../../platform/google/service-account.js';
import { type ProcessorClient, ProcessorUnavailable, type SubscriptionUpdate } from '../processor.js';
import { expiredPurchase, mapGooglePurchase, subscriptionPurchase } from './google.mapper.js';

const ANSWER_MS = 5_000;
const SCOPE = 'https://www.googleapis.com/auth/androidpublisher';

/** Whose purchases are read, where, and as whom. */
export interface GooglePlay {
  /** The package name. */
  readonly app: string;
  readonly base: string;
  readonly account: ServiceAccount;
  /** Requests that the project may send. */
  readonly perMinute: number;
}

/** The Google Play Developer API, as far as subscriptions are read from it. */
export class GoogleClient implements ProcessorClient {
  readonly budget: Budget;
  private readonly tokens: GoogleAccessTokenClient;

  constructor(private readonly play: GooglePlay) {
    this.budget = budgetOf(play.perMinute);
    this.tokens = new GoogleAccessTokenClient(play.account, { scope: SCOPE });
  }

  async fetch(purchaseToken: string): Promise<SubscriptionUpdate | undefined> {
    const { app, base } = this.play;
    const path = `/androidpublisher/v3/applications/${encodeURIComponent(app)}/purchases/subscriptionsv2/tokens/`;
    const url = new URL(`${path}${encodeURIComponent(purchaseToken)}`, base);
    const token = await this.accessToken();
    const response = await answered(url, { headers: { authorization: `Bearer ${token}` } });
    const asOf = new Date(response.headers.get('date') ?? Date.now());
    if (response.status === 410) return expiredPurchase(purchaseToken, asOf);
    if (response.status === 404) return undefined;
    if (response.status === 401) await this.tokens.invalidate(token);
    const { success, data } = subscriptionPurchase.safeParse(await json(response));
    if (!success) throw new ProcessorUnavailable('Google Play answered something else');
    return mapGooglePurchase(purchaseToken, data, asOf);
  }

  /** Ends the connection to the token endpoint. */
  close(): Promise<void> {
    return this.tokens.close();
  }

  private accessToken(): Promise<string> {
    return this.tokens.get().catch((error: unknown) => {
      if (error instanceof AccessTokenError) throw new ProcessorUnavailable(error.message);
      throw new ProcessorUnavailable(error instanceof Error ? error.name : 'unknown');
    });
  }
}

/** Errors never contain the URL: the purchase token is part of it. */
async function answered(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (error) {
    throw new ProcessorUnavailable(error instanceof Error ? error.name : 'unknown');
  }
}

async function json(response: Response): Promise<unknown> {
  if (!response.ok) throw new ProcessorUnavailable(`Google answered ${response.status}`);
  return response.json().catch(() => {
    throw new ProcessorUnavailable('Google’s answer was not JSON');
  });
}
