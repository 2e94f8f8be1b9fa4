import { importPKCS8, SignJWT } from 'jose';
import { type Dispatcher, request } from 'undici';
import type { GoogleServiceAccount } from '../../../platform/config/push-settings.js';
import { networkErrorResult } from '../network-error.js';
import type { SendResult } from '../push-provider.js';
import { tokenResponse, tokenErrorResponse } from './fcm-response.schema.js';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ANSWER_MS = 5_000;
/** A token is asked for anew before it ends, so that none ends on its way. */
const EARLY_MS = 300_000;
/** After a refusal Google is not asked again for this long: each push would ask. */
const REFUSED_MS = 5_000;

export type AccessTokenResult = { readonly token: string } | { readonly result: SendResult };

/** The access token of a service account: asked for once by all who need it, kept until shortly before its end. Never throws. */
export class FcmAccessTokenClient {
  private known: { readonly grant: Promise<AccessTokenResult>; until: number } | undefined;

  /** `via` trusts the right authorities and may lead elsewhere; `endpoint` is where the grant is asked for. */
  constructor(
    private readonly account: GoogleServiceAccount,
    private readonly endpoint: URL,
    private readonly via: Dispatcher,
  ) {}

  grant(): Promise<AccessTokenResult> {
    if (this.known && this.known.until > Date.now()) return this.known.grant;
    const known = { grant: this.ask((ms) => (known.until = Date.now() + ms)), until: Infinity };
    this.known = known;
    return known.grant;
  }

  /** The token is worth nothing any more. Does nothing when another has taken its place. */
  async forget(token: string): Promise<void> {
    const { known } = this;
    const grant = await known?.grant;
    if (this.known === known && grant && 'token' in grant && grant.token === token) this.known = undefined;
  }

  private async ask(keepFor: (ms: number) => void): Promise<AccessTokenResult> {
    try {
      const { statusCode, body } = await this.post();
      const granted = tokenResponse.safeParse(body);
      if (statusCode === 200 && granted.success) {
        keepFor(Math.max(granted.data.expires_in * 1_000 - EARLY_MS, EARLY_MS));
        return { token: granted.data.access_token };
      }
      keepFor(REFUSED_MS);
      return { result: refused(statusCode, body) };
    } catch (error) {
      keepFor(0);
      return { result: networkErrorResult(error) };
    }
  }

  private async post(): Promise<{ statusCode: number; body: unknown }> {
    const form = new URLSearchParams({ grant_type: GRANT, assertion: await this.assertion() });
    const { statusCode, body } = await request(this.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      dispatcher: this.via,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const text = await body.text();
    return { statusCode, body: jsonOf(text) };
  }

  private async assertion(): Promise<string> {
    const { client_email, private_key, token_uri } = this.account;
    return new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(client_email)
      .setAudience(token_uri)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(await importPKCS8(private_key, 'RS256'));
  }
}

function refused(status: number, body: unknown): SendResult {
  if (status === 429 || status >= 500 || status < 400)
    return { is: 'again', afterMs: undefined, reason: `token_endpoint_${status}` };
  const said = tokenErrorResponse.safeParse(body);
  return { is: 'our_fault', reason: said.success ? said.data.error : `token_endpoint_${status}` };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
