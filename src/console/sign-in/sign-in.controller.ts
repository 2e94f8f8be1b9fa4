import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { consoleCookie, readCookie } from '../sessions/session-cookie.js';
import { MAX_SESSION_MS } from '../sessions/session.js';
import { isPlainHttp } from '../sessions/sessions.service.js';
import { AttemptLimiter } from './attempt-limiter.js';
import { MAX_SIGN_IN_MS, SignInService } from './sign-in.service.js';

/** The way to the identity provider and back. The browser visits both. */
@ApiExcludeController()
@Controller('console')
export class SignInController {
  private readonly attempts = new AttemptLimiter();

  constructor(
    private readonly signIn: SignInService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Sends the browser to the identity provider. */
  @Get('sign-in/oidc')
  async begin(@Req() request: Request, @Res() response: Response): Promise<void> {
    this.attempts.take(request.ip);
    const { url, secret } = await this.signIn.begin();
    const cookie = this.cookie('sign-in', MAX_SIGN_IN_MS);
    response.cookie(cookie.name, secret, cookie.options);
    response.set('Cache-Control', 'no-store').redirect(303, url);
  }

  /** Where the identity provider sends it back. */
  @Get('callback')
  async complete(@Req() request: Request, @Res() response: Response): Promise<void> {
    this.attempts.take(request.ip);
    const mine = this.cookie('sign-in', 0);
    const [, query = ''] = request.originalUrl.split('?', 2);
    const result = await this.signIn.complete(readCookie(request.headers.cookie, mine.name), query);
    response.set('Cache-Control', 'no-store').clearCookie(mine.name, { ...mine.options, maxAge: 0 });
    if ('refusal' in result) return response.redirect(303, `/console/?refused=${result.refusal}`);
    const session = this.cookie('session', MAX_SESSION_MS);
    response.cookie(session.name, result.secret, session.options).redirect(303, '/console/');
  }

  private cookie(name: 'session' | 'sign-in', maxAge: number) {
    return consoleCookie(name, maxAge, isPlainHttp(this.config));
  }
}
