import { Inject, Injectable } from '@nestjs/common';
import { SignJWT } from 'jose';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Problem } from '../platform/http/problem.js';
import { EveningService } from './clock/evening.service.js';
import { DemoContactsService } from './inbox/demo-contacts.service.js';
import { OwnApiClient } from './own-api.client.js';
import { DEMO_PLANS, type DemoPlan } from './demo-plans.js';

const TOKEN_SECONDS = 3_600;

/** Stands in for the streaming service's sign-in: anybody gets a user token and a contact. The first session also creates the demo's plans and its digest. */
@Injectable()
export class DemoSessionService {
  private prepared: Promise<void> | undefined;

  constructor(
    private readonly api: OwnApiClient,
    private readonly contacts: DemoContactsService,
    private readonly evenings: EveningService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Returns a user token, the demo's plans, and whether there is a console. Throws Problem not_configured without AUTH_JWT_SECRET or ADMIN_KEY,
   * conflict when a plan, the digest or the contact is refused.
   * `timezone`: where the page is.
   */
  async open(userId: string, timezone?: string) {
    const { token, expiresAt } = await this.token(userId);
    this.prepared ??= this.prepare().catch((error: unknown) => {
      this.prepared = undefined; // the next session tries again
      throw error;
    });
    await this.prepared;
    const { CONTACT_KEY, CONSOLE } = this.config;
    if (CONTACT_KEY.length > 0) await this.contacts.ensure(userId, timezone);
    const plans = DEMO_PLANS.map(({ planId, name }) => ({ planId, name }));
    return { userId, token, expiresAt, plans, console: CONSOLE === 'on' };
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

  private async prepare(): Promise<void> {
    await this.evenings.define();
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
