import { Refusal } from '../api/problem.js';
import { UsherApi } from '../api/usher-api.js';
import { Failure } from '../failures.js';
import { type Check, checkClock, fail, ok, warn } from './check.js';

/** HTTP's Date header counts in seconds. */
const DATE_PRECISION_MS = 1_000;

/** Asks the node whether it takes traffic. */
export async function checkNode(url: string, signal: AbortSignal): Promise<Check[]> {
  const before = Date.now();
  try {
    const response = await new UsherApi(url, undefined, signal).open('GET', '/health/ready', {});
    const { postgres, redis } = (await response.json()) as Record<string, unknown>;
    const date = Date.parse(response.headers.get('date') ?? '');
    return [
      redis === 'up' || postgres !== 'up'
        ? ok('node', `${url} is ready`)
        : warn(
            'node',
            `${url} is ready, without Redis`,
            'Check the Redis that the node uses: events wait for a sweep.',
          ),
      ...(Number.isNaN(date)
        ? []
        : [checkClock("the node's clock", date, before, Date.now(), DATE_PRECISION_MS)]),
    ];
  } catch (error) {
    if (error instanceof Refusal)
      return [
        fail(
          'node',
          `${url} is not ready (${error.problem.status})`,
          'It is stopping, or PostgreSQL does not answer: see its log.',
        ),
      ];
    if (error instanceof Failure)
      return [
        fail('node', error.message.split('\n')[0] ?? '', 'Start it, or name another: --url, USHER_URL.'),
      ];
    throw error;
  }
}

/** Looks at what waits for a person, with the service key. */
export async function checkWebhooks(api: UsherApi): Promise<Check[]> {
  const found: Check[] = [];
  for (const [status, advice] of [
    ['waiting', '`usher webhooks waiting` says for which plan or link.'],
    ['failed', '`usher webhooks list --status failed` says why.'],
  ] as const) {
    try {
      const { webhooks } = (await api.call('GET', `/v1/webhooks?status=${status}&limit=500`)) as {
        webhooks: unknown[];
      };
      const count = webhooks.length === 500 ? '500 or more' : String(webhooks.length);
      found.push(
        webhooks.length === 0
          ? ok('webhooks', `none is ${status}`)
          : warn('webhooks', `${count} ${status}`, advice),
      );
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return [
        fail(
          'service key',
          error.message.split('\n')[0] ?? '',
          'Use a key with the scope `read`: USHER_SERVICE_KEY or a profile.',
        ),
      ];
    }
  }
  return found;
}
