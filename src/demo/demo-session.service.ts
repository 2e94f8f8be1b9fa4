import { Inject, Injectable } from '@nestjs/common';
import { SignJWT } from 'jose';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Problem } from '../platform/http/problem.js';
import { OwnApiClient } from './own-api.client.js';
import { DEMO_PLANS, type DemoPlan } from './demo-plans.js';

const TOKEN_SECONDS = 3_600;

/** Stands in for the streaming service's sign-in: anybody gets a user token. The first session also creates the demo's plans. */
@Injectable()
export class DemoSessionService {
  private plansCreated: Promise<void> | undefined;

  constructor(
    private readonly api: OwnApiClient,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Returns a user token, the demo's plans, and whether there is a console. Throws Problem not_configured without AUTH_JWT_SECRET or ADMIN_KEY,
   * conflict when a plan is refused.
   */
  async open(userId: string) {
    const { token, expiresAt } = await this.token(userId);
    this.plansCreated ??= this.putPlans().catch((error: unknown) => {
      this.plansCreated = undefined; // the next session tries again
      throw error;
    });
    await this.plansCreated;
    const plans = DEMO_PLANS.map(({ planId, name }) => ({ planId, name }));
    return { userId, token, expiresAt, plans, console: this.config.CONSOLE === 'on' };
  }

  private async token(userId: string) {
    const { AUTH_JWT_SECRET, AUTH_JWKS_URL, AUTH_JWT_AUDIENCE, AUTH_JWT_ISSUER } = this.config;
    if (AUTH_JWKS_URL !== undefined || AUTH_JWT_SECRET === undefined) {
      throw new Problem(
        'not_configured',
        'This page signs its own user tokens and needs AUTH_JWT_SECRET for that. Here AUTH_JWKS_URL is set, so only the owner of those keys can sign.',
      );
    }
    const expiresAt = Math.floor(Date.now() / 1_000) + TOKEN_SECONDS;
    const unsigned = new SignJWT()
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(userId)
      .setAudience(AUTH_JWT_AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(expiresAt);
    if (AUTH_JWT_ISSUER !== undefined) unsigned.setIssuer(AUTH_JWT_ISSUER);
    const token = await unsigned.sign(new TextEncoder().encode(AUTH_JWT_SECRET));
    return { token, expiresAt: new Date(expiresAt * 1_000).toISOString() };
  }

  private async putPlans(): Promise<void> {
    for (const plan of DEMO_PLANS) await this.putPlan(plan);
  }

  private async putPlan({ planId, name, price, capabilities }: DemoPlan): Promise<void> {
    const body = JSON.stringify({ name, prices: [price], capabilities });
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'PUT', path: `/v1/plans/${planId}`, body, headers } as const;
    const { status, text } = await this.api.sendWithKey(request);
    if (status !== 200)
      throw new Problem('conflict', `The plan ${planId} could not be created (${status}): ${text}`);
  }
}
