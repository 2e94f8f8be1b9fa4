import { Inject, Injectable } from '@nestjs/common';
import type { Configuration, IDToken } from 'openid-client';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';

const TIMEOUT_SECONDS = 5;
/** How far the identity provider's clock may be from this node's. */
const CLOCK_SKEW_SECONDS = 60;
const MAX_NAME = 200;

/** What is remembered of a sign-in while the person is at the identity provider. */
export interface SignInChecks {
  readonly state: string;
  readonly nonce: string;
  /** Of PKCE. */
  readonly verifier: string;
}

/** A person as the identity provider describes them. */
export interface OidcPerson {
  readonly id: string;
  readonly name: string;
  readonly groups: readonly string[];
}

/** The identity provider, by OpenID Connect: authorization code with PKCE, state and nonce. */
@Injectable()
export class OidcClient {
  private configuration: Promise<Configuration> | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Returns where to send the browser, and what to check when it comes back. Throws Problem not_configured; else as the library. */
  async begin(): Promise<{ url: string; checks: SignInChecks }> {
    const oidc = await library();
    const configuration = await this.discovered();
    const checks = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
    };
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: this.callback().href,
      scope: 'openid profile email',
      state: checks.state,
      nonce: checks.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(checks.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, checks };
  }

  /** Returns who came back with this query. Throws, as the library does, when the sign-in failed or any check does not hold. */
  async complete(query: string, { state, nonce, verifier }: SignInChecks): Promise<OidcPerson> {
    const oidc = await library();
    const configuration = await this.discovered();
    const url = this.callback();
    url.search = query;
    const tokens = await oidc.authorizationCodeGrant(configuration, url, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (claims === undefined) throw new Error('The identity provider sent no ID token.');
    const groups =
      claims[this.config.CONSOLE_OIDC_GROUPS] ?? (await this.groupsOf(tokens.access_token, claims));
    return { id: claims.sub, name: nameOf(claims), groups: textsOf(groups) };
  }

  /** Some identity providers keep groups out of ID tokens, which become long by them. */
  private async groupsOf(accessToken: string, { sub }: IDToken): Promise<unknown> {
    const configuration = await this.discovered();
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return [];
    const userInfo = await (await library()).fetchUserInfo(configuration, accessToken, sub);
    return userInfo[this.config.CONSOLE_OIDC_GROUPS];
  }

  private callback(): URL {
    return new URL('/console/callback', this.config.CONSOLE_URL);
  }

  private discovered(): Promise<Configuration> {
    this.configuration ??= this.discover().catch((error: unknown) => {
      this.configuration = undefined; // the next sign-in tries again
      throw error;
    });
    return this.configuration;
  }

  private async discover(): Promise<Configuration> {
    const { CONSOLE_OIDC_ISSUER: issuer, CONSOLE_OIDC_CLIENT_ID: id } = this.config;
    if (issuer === undefined || id === undefined)
      throw new Problem('not_configured', 'Nobody can sign in: CONSOLE_OIDC_ISSUER is not set.');
    const oidc = await library();
    const secret = this.config.CONSOLE_OIDC_CLIENT_SECRET;
    const configuration = await oidc.discovery(
      new URL(issuer),
      id,
      { [oidc.clockTolerance]: CLOCK_SKEW_SECONDS },
      secret === undefined ? oidc.None() : oidc.ClientSecretPost(secret),
      {
        timeout: TIMEOUT_SECONDS,
        execute: [
          oidc.enableNonRepudiationChecks,
          // config.ts refuses it in production.
          ...(issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : []),
        ],
      },
    );
    return configuration;
  }
}

/** Loaded when somebody signs in: a node's boot need not wait for it. */
const library = () => import('openid-client');

const nameOf = ({ name, preferred_username: username, email, sub }: IDToken): string =>
  (
    ([name, username, email].find((one) => typeof one === 'string' && one !== '') as string | undefined) ??
    sub
  )
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, '')
    .slice(0, MAX_NAME);

const textsOf = (groups: unknown): string[] =>
  [groups].flat().filter((one): one is string => typeof one === 'string');
