import type { Cli } from '../cli.js';
import { signToken } from '../user-tokens.js';
import { BackOffice } from './back-office.js';
import { Evening } from './evening.js';
import { Ledger } from './ledger.js';

/** What `usher simulate` is told. */
export interface SimulateOptions {
  readonly users: number;
  readonly minutes: number;
  readonly pace: number;
}

/** Returns the evening that this command line asks for. Throws UsageFailure where a secret is missing. */
export function prepareEvening(cli: Cli, { users, minutes, pace }: SimulateOptions): Evening {
  const { settings, terminal } = cli;
  settings.need('USHER_JWT_SECRET', 'the secret that user tokens are signed with');
  const secret = settings.get('STRIPE_WEBHOOK_SECRET');
  if (secret === undefined) cli.output.note('Nobody changes plans: STRIPE_WEBHOOK_SECRET is not set.');
  // After Ctrl-C what is on its way still arrives; every call has a deadline of its own.
  const never = new AbortController().signal;
  return new Evening({
    users,
    seconds: minutes * 60,
    paceSeconds: pace,
    url: settings.url,
    backOffice: new BackOffice(cli.apiUntil(never), cli.openApiUntil(never), secret),
    ledger: new Ledger(),
    tokenOf: async (userId) =>
      (await signToken(settings, userId, { seconds: 86_400, audience: 'usher' })).token,
    signal: terminal.signal,
  });
}
