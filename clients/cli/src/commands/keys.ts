import type { Command } from 'commander';
import type { z } from 'zod';
import type { serviceKeyList } from '../../../../src/platform/auth/service-keys/service-keys.schema.js';
import { path } from '../api/usher-api.js';
import { type Cli, idempotencyKey } from '../cli.js';
import { inSeconds, parseCount, parseDuration } from '../durations.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

type ServiceKeys = z.output<typeof serviceKeyList>;

/** `usher keys list|create|revoke` */
export function addKeys(program: Command, open: () => Cli): void {
  const keys = program.command('keys').description('the service keys: who may do what');
  keys
    .command('list', { isDefault: true })
    .description('list them, the newest first')
    .option('-n, --lines <count>', 'how many at most', parseCount(1, 500), 100)
    .action(async ({ lines }: { lines: number }) => {
      const { api, output } = open();
      const answer = (await api.call('GET', `/v1/keys?limit=${lines}`)) as ServiceKeys;
      output.result(answer, () => table(answer.keys.map(row)));
    });
  keys
    .command('create <name>')
    .description('make a key; it is printed once, here')
    .requiredOption(
      '--scope <scope...>',
      'what it may do: publish, recommendations, edge, read, support, operate, admin',
    )
    .option('--expires-in <time>', 'when it ends by itself: 2h, 90d', parseDuration)
    .action(async (name: string, { scope, expiresIn }: { scope: string[]; expiresIn?: number }) => {
      const { api, output } = open();
      const scopes = scope.flatMap((one) => one.split(','));
      const created = (await api.call('POST', '/v1/keys', {
        body: { name, scopes, ...(expiresIn !== undefined && { expiresAt: inSeconds(expiresIn) }) },
        headers: idempotencyKey(undefined),
      })) as { id: string; key: string; scopes: string[] };
      output.result(created, () => [created.key]);
      if (!output.isJson)
        output.note(
          `Key ${plainText(created.id)}, scopes ${created.scopes.join(', ')}. It is not shown again.`,
        );
    });
  keys
    .command('revoke <id>')
    .description('revoke a key; within two seconds it is refused everywhere')
    .action(async (id: string) => {
      const { api, output } = open();
      await api.call('DELETE', path`/v1/keys/${id}`);
      output.result({ id, revoked: true }, () => [`${plainText(id)} is revoked`]);
    });
}

const row = ({
  id,
  name,
  scopes,
  createdAt,
  expiresAt,
  lastUsedAt,
  revokedAt,
}: ServiceKeys['keys'][number]): string[] => [
  id,
  plainText(name),
  scopes.join(','),
  `created ${createdAt}`,
  lastUsedAt === null ? 'never used' : `used ${lastUsedAt}`,
  revokedAt === null ? (expiresAt === null ? '' : `expires ${expiresAt}`) : `revoked ${revokedAt}`,
];
