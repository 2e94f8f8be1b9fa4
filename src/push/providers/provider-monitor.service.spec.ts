import { expect, test } from '@jest/globals';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { NodeFactsService } from '../../platform/node-facts.service.js';
import { ProviderMonitorService } from './provider-monitor.service.js';
import type { PushMessage } from './push-message.js';

const message = { to: { kind: 'fcm_token', address: 'the address of a phone' } } as unknown as PushMessage;

test('a node says which circuits are open and which credentials are wrong, and never to whom it pushed', () => {
  const facts = new NodeFactsService();
  const monitor = new ProviderMonitorService(new MetricsService(), [{ name: 'fcm' }], facts);
  expect(facts.read()).toEqual({ openCircuits: [], misconfigured: [] });
  monitor.recordCircuit('fcm', 'fcm.googleapis.com', 'open');
  monitor.recordCircuit('fcm', 'fcm.googleapis.com', 'open');
  monitor.recordResult('fcm', message, { is: 'misconfigured', reason: 'SENDER_ID_MISMATCH' }, 5);
  monitor.recordResult('fcm', message, { is: 'delivered' }, 5);
  expect(facts.read()).toEqual({
    openCircuits: [{ vendor: 'fcm', upstream: 'fcm.googleapis.com', since: expect.any(Date) }],
    misconfigured: [{ vendor: 'fcm', reason: 'SENDER_ID_MISMATCH', lastAt: expect.any(Date) }],
  });
  expect(JSON.stringify(facts.read())).not.toContain('phone');
  monitor.recordCircuit('fcm', 'fcm.googleapis.com', 'closed');
  expect(facts.read().openCircuits).toEqual([]);
});
