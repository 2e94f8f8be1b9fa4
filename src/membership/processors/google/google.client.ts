import { readFileSync } from 'node:fs';
import { importPKCS8, SignJWT } from 'jose';
import { z } from 'zod';
import { ConfigError } from '../../../platform/config/config.js';
import { type ProcessorClient, ProcessorUnavailable, type SubscriptionUpdate } from '../processor.js';
import { expiredPurchase, mapGooglePurchase, subscriptionPurchase } from './google.mapper.js';

const ANSWER_MS = 5_000;
const SCOPE = 'https://www.googleapis.com/auth/androidpublisher';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** A token is asked for anew before it ends, so that none ends on its way. */
const EARLY_MS = 60_000;

const serviceAccount = z.object({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  token_uri: z.url({ protocol: /^https?$/ }),
});
export type ServiceAccount = z.infer<typeof serviceAccount>;
const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

/** Whose purchases are read, where, and as whom. */
export interface GooglePlay {
  /** The package name. */
  readonly app: string;
  readonly base: string;
  readonly account: ServiceAccount;
}

/** Parses the key of a service account: JSON, or the path of a file with it. Throws ConfigError, never with the key in its message. */
export function serviceAccountOf(setting: string): ServiceAccount {
  try {
    const text = setting.trimStart().startsWith('{') ? setting : readFileSync(setting, 'utf8');
    return serviceAccount.parse(JSON.parse(text));
  } catch {
    throw new ConfigError(
      'GOOGLE_SERVICE_ACCOUNT_KEY must be the JSON key of a service account, or the file that holds it.',
    );
  }
}

/** The Google Play Developer API, as far as subscriptions are read from it. */
export class GoogleClient implements ProcessorClient {
  private token: { readonly value: Promise<string>; readonly until: number } | undefined;

  constructor(private readonly play: GooglePlay) {}

  async fetch(purchaseToken: string): Promise<SubscriptionUpdate | undefined> {
    const { app, base } = this.play;
    const path = `/androidpublisher/v3/applications/${encodeURIComponent(app)}/purchases/subscriptionsv2/tokens/`;
    const url = new URL(`${path}${encodeURIComponent(purchaseToken)}`, base);
    const response = await answered(url, { headers: { authorization: `Bearer ${await this.access()}` } });
    const asOf = new Date(response.headers.get('date') ?? Date.now());
    if (response.status === 410) return expiredPurchase(purchaseToken, asOf);
    if (response.status === 404) return undefined;
    if (response.status === 401) this.token = undefined;
    const { success, data } = subscriptionPurchase.safeParse(await json(response));
    if (!success) throw new ProcessorUnavailable('Google Play answered something else');
    return mapGooglePurchase(purchaseToken, data, asOf);
  }

  /** One token for all calls. */
  private access(): Promise<string> {
    if (!this.token || this.token.until < Date.now()) {
      const value = this.grant().then(({ access_token, expires_in }) => {
        this.token = { value, until: Date.now() + expires_in * 1_000 - EARLY_MS };
        return access_token;
      });
      this.token = { value, until: Date.now() + EARLY_MS };
      // Who asks next begins anew.
      value.catch(() => (this.token = undefined));
    }
    return this.token.value;
  }

  private async grant(): Promise<z.infer<typeof tokenAnswer>> {
    const { client_email, private_key, token_uri } = this.play.account;
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(client_email)
      .setAudience(token_uri)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(await importPKCS8(private_key, 'RS256'));
    const body = new URLSearchParams({ grant_type: GRANT, assertion });
    const answer = tokenAnswer.safeParse(
      await json(await answered(new URL(token_uri), { method: 'POST', body })),
    );
    if (!answer.success) throw new ProcessorUnavailable('Google gave no access token');
    return answer.data;
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
