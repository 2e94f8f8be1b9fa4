import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { noCluster } from '../../../tools/databases/redis-cluster.mjs';
import { RedisService } from '../../../src/platform/redis/redis.service.js';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import { describeIfAvailable } from '../../support/infrastructure/describe-if-available.js';
import { type RedisSentinel, startRedisSentinel } from '../../support/infrastructure/redis-sentinel.js';

describeIfAvailable(noCluster(), 'when a Sentinel replaces the master', () => {
  let redis: RedisSentinel;
  let service: RedisService;
  beforeAll(async () => {
    redis = await startRedisSentinel();
    service = new RedisService(testConfig({ REDIS_URL: redis.url }));
  });
  afterAll(async () => {
    service.onApplicationShutdown();
    await redis.stop();
  });

  test('commands and messages go on with the new one', async () => {
    const received: string[] = [];
    const client = service.createClient('test');
    const subscriber = service.createSubscriber('test', 'news');
    subscriber.client.on('smessage', (_channel: string, message: string) => received.push(message));
    await subscriber.listening;
    const arrives = (message: string) =>
      eventually(
        `"${message}" arrives`,
        async () => {
          await Promise.resolve(client.spublish('news', message)).catch(() => undefined);
          return received.includes(message);
        },
        20_000,
      );
    await arrives('before');
    await redis.killMaster();
    await arrives('after');
    expect(await client.set('key', 'written')).toBe('OK');
  }, 60_000);
});
