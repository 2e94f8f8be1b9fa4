import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { parseDuration } from '../durations.js';
import { signToken } from '../user-tokens.js';

/** `usher token <user>` */
export function addToken(program: Command, open: () => Cli): void {
  program
    .command('token <user>')
    .description('sign a token of the user, as your sign-in would')
    .option('--expires <time>', 'how long it is valid: 30s, 15m, 2h, 7d', parseDuration, 3_600)
    .option('--audience <audience>', 'AUTH_JWT_AUDIENCE of the server', 'usher')
    .option('--issuer <issuer>', 'AUTH_JWT_ISSUER of the server')
    .action(async (userId: string, options: { expires: number; audience: string; issuer?: string }) => {
      const { settings, output } = open();
      const signed = await signToken(settings, userId, { ...options, seconds: options.expires });
      output.result(signed, () => [signed.token]);
    });
}
