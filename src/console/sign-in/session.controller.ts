import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { consoleCookie } from '../sessions/session-cookie.js';
import { MAX_SESSION_MS } from '../sessions/session.js';
import { isPlainHttp, SessionsService } from '../sessions/sessions.service.js';
import { AttemptLimiter } from './attempt-limiter.js';
import { type LinkToken, linkToken, type NewLink, newLink } from './links.schema.js';
import { SignInService } from './sign-in.service.js';

/** Who is signed in, signing out, and one-time links. */
@ApiExcludeController()
@Controller()
export class SessionController {
  private readonly attempts = new AttemptLimiter();

  constructor(
    private readonly signIn: SignInService,
    private readonly sessions: SessionsService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Returns who is signed in, and how one can sign in. */
  @Get('console/session')
  @Header('Cache-Control', 'no-store')
  async current(@Req() request: Request) {
    const found = await this.sessions.find(request.headers);
    const signIn = this.config.CONSOLE_OIDC_ISSUER === undefined ? 'link' : 'oidc';
    if (!found) return { person: null, signIn };
    const { name, role } = found.session.person;
    return { person: { name, role, until: new Date(found.session.expiresAt).toISOString() }, signIn };
  }

  /** Exchanges a one-time link for a session. */
  @Post('console/session')
  @HttpCode(204)
  async redeem(
    @Body({ schema: linkToken }) { token }: LinkToken,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    requireConsole(request);
    this.attempts.take(request.ip);
    const { secret } = await this.signIn.redeemLink(token);
    const { name, options } = consoleCookie('session', MAX_SESSION_MS, isPlainHttp(this.config));
    response.cookie(name, secret, options);
  }

  /** Signs out. */
  @Delete('console/session')
  @HttpCode(204)
  async end(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<void> {
    requireConsole(request);
    const found = await this.sessions.find(request.headers);
    if (found) await this.sessions.end(found.hash);
    const { name, options } = consoleCookie('session', 0, isPlainHttp(this.config));
    response.clearCookie(name, options);
  }

  /** Makes a one-time link, in development; `npm start` prints it. */
  @Post('v1/console/links')
  @NeedsScope('admin')
  @Audited()
  createLink(@Body({ schema: newLink }) { role }: NewLink, @CurrentAuditContext() by: AuditContext) {
    return this.signIn.createLink(role, by);
  }
}

/** Throws Problem forbidden for a call that another site's page may have made: see SessionsService.identify. */
function requireConsole(request: Request): void {
  if (request.headers['x-usher-console'] === undefined)
    throw new Problem('forbidden', 'The header X-Usher-Console is missing.');
}
