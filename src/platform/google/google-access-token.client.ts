import type { SecureContext } from 'node:tls';
import { importPKCS8, SignJWT } from 'jose';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { parseJson } from '../parse-json.js';
import { monotonicNow } from '../scheduling/monotonic.js';
import type { ServiceAccount } from './service-account.js';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const CONNECT_TIMEOUT_MS = 5_000;
const RESPONSE_TIMEOUT_MS = 5_000;
const MAX_RESPONSE_BYTES = 64 * 1024;
/** A token is replaced this long before it expires, so that none expires on its way to Google. */
const RENEW_EARLY_MS = 300_000;
/** After a refusal the endpoint is left alone for this long. Otherwise each call that needs a token would ask again. */
const REFUSAL_PAUSE_MS = 5_000;

/** A token response (RFC 6749 §5.1). */
const tokenResponse = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });
/** An error response (§5.2). Only the code is read: the description may repeat what was sent. */
const errorResponse = z.object({ error: z.string().regex(/^[a-z_]{1,40}$/) });

/** The token endpoint responded without a token. */
export class AccessTokenError extends Error {
  /** `code`: OAuth's error code, as `invalid_grant`; undefined when the response has none. */
  constructor(
    readonly status: number,
    readonly code: string | undefined,
  ) {
    super(`Google's token endpoint returned ${status}${code === undefined ? '' : ` ${code}`}`);
  }

  /** Whether a later try may succeed with the same credentials. */
  get isTemporary(): boolean {
    return this.status === 429 || this.status >= 500 || this.status < 400;
  }
}

/** What the token is for, and how the endpoint is reached. */
export interface AccessTokenOptions {
  /** The OAuth scope. */
  readonly scope: string;
  /** Where the token is requested; `token_uri` of the account by default, which stays the audience either way. */
  readonly endpoint?: URL | undefined;
  /** The certificate authorities to trust; Node's by default. */
  readonly secureContext?: SecureContext | undefined;
}

/**
 * The access token of a service account (JWT bearer grant, RFC 7523). All callers share one request, and its token until shortly before
 * it expires. (google-auth-library has a fixed token endpoint, retries a POST by itself, and puts the error's description into its message.)
 */
export class GoogleAccessTokenClient {
  private readonly agent: Agent;
  private readonly endpoint: URL;
  private current: { readonly token: Promise<string>; renewAt: number } | undefined;

  constructor(
    private readonly account: ServiceAccount,
    private readonly options: AccessTokenOptions,
  ) {
    this.endpoint = options.endpoint ?? new URL(account.token_uri);
    const { secureContext } = options;
    this.agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS, ...(secureContext && { secureContext }) },
      connections: 1,
      maxResponseSize: MAX_RESPONSE_BYTES,
    });
  }

  /** Returns a token within seconds. Throws AccessTokenError, or undici's error when there was no response. */
  get(): Promise<string> {
    if (this.current && monotonicNow() < this.current.renewAt) return this.current.token;
    const grant = this.requestToken();
    const current = { token: grant.then(({ access_token }) => access_token), renewAt: Infinity };
    this.current = current;
    grant.then(
      ({ expires_in }) => (current.renewAt = monotonicNow() + usableMs(expires_in)),
      (error) =>
        (current.renewAt = error instanceof AccessTokenError ? monotonicNow() + REFUSAL_PAUSE_MS : 0),
    );
    return current.token;
  }

  /** Drops a token that an API refused. Does nothing when another one has taken its place. */
  async invalidate(token: string): Promise<void> {
    const { current } = this;
    const held = await current?.token.catch(() => undefined);
    if (this.current === current && held === token) this.current = undefined;
  }

  /** Ends the connection. Idempotent. */
  close(): Promise<void> {
    return this.agent.destroy();
  }

  private async requestToken(): Promise<z.infer<typeof tokenResponse>> {
    const form = new URLSearchParams({ grant_type: GRANT_TYPE, assertion: await this.assertion() });
    const { statusCode, body } = await request(this.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      dispatcher: this.agent,
      signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS),
    });
    const json = parseJson(await body.text());
    const token = tokenResponse.safeParse(json);
    if (statusCode === 200 && token.success) return token.data;
    throw new AccessTokenError(statusCode, errorResponse.safeParse(json).data?.error);
  }

  private async assertion(): Promise<string> {
    const { client_email, private_key, token_uri } = this.account;
    return new SignJWT({ scope: this.options.scope })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(client_email)
      .setAudience(token_uri)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(await importPKCS8(private_key, 'RS256'));
  }
}

/** How long a token is used, in ms. Google's last an hour; of a shorter one half of its time must do. */
function usableMs(expiresInSeconds: number): number {
  const lifetimeMs = expiresInSeconds * 1_000;
  return Math.max(lifetimeMs - RENEW_EARLY_MS, lifetimeMs / 2);
}
