import { Global, Module } from '@nestjs/common';
import { PERSON_SESSIONS } from '../platform/auth/person.js';
import { ConsolePageController } from './console-page.controller.js';
import { SecretStore } from './sessions/secret.store.js';
import { SessionsService } from './sessions/sessions.service.js';
import { OidcClient } from './sign-in/oidc.client.js';
import { SessionController } from './sign-in/session.controller.js';
import { SignInController } from './sign-in/sign-in.controller.js';
import { SignInService } from './sign-in/sign-in.service.js';

/**
 * The console at `/console`: its page, and the sessions of the people who use it. What it shows it reads by the public calls, which take a
 * session where they take a service key. Loaded with CONSOLE=on by nodes with the role `api`.
 */
@Global()
@Module({
  // The page is last: it takes every path that no other call has.
  controllers: [SessionController, SignInController, ConsolePageController],
  providers: [
    SecretStore,
    SessionsService,
    OidcClient,
    SignInService,
    { provide: PERSON_SESSIONS, useExisting: SessionsService },
  ],
  exports: [PERSON_SESSIONS],
})
export class ConsoleModule {}
