import type { Command } from 'commander';
import { path } from '../api/usher-api.js';
import { type Cli, idempotencyKey } from '../cli.js';
import { plainText } from '../output/plain-text.js';

/** `usher keys create|revoke` */
export function addKeys(program: Command, open: () => Cli): void {
  const keys = program.command('keys').description('make and revoke service keys');
  keys
    .command('create <name>')
    .description('make a key; it is printed once, here')
    .requiredOption(
      '--scope <scope...>',
      'what it may do: publish, recommendations, edge, read, support, operate, admin',
    )
    .action(async (name: string, { scope }: { scope: string[] }) => {
      const { api, output } = open();
      const scopes = scope.flatMap((one) => one.split(','));
      const created = (await api.call('POST', '/v1/keys', {
        body: { name, scopes },
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
