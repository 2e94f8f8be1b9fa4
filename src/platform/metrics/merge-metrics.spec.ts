import { expect, test } from '@jest/globals';
import { MetricsService } from './metrics.service.js';
import { mergeEnded, mergeMetrics } from './merge-metrics.js';

/** Returns what a process reports that has sent so many events, holds so many connections, and has this lag. */
function snapshotOf({ events, connections, lag }: { events: number; connections: number; lag: number }) {
  const metrics = new MetricsService();
  metrics.counter('events_total', 'Events', ['tier']).inc({ tier: 'critical' }, events);
  metrics.gauge('connections', 'Connections', 'sum', () => connections);
  metrics.gauges('lag', 'Lag', 'max', 'of', () => new Map([['loop', lag]]));
  metrics.histogram('seconds', 'Seconds').observe(events);
  const series = [{ tier: 'critical' }, { tier: 'routine' }];
  metrics
    .fastHistogram({ name: 'fast_seconds', help: 'Seconds', series, buckets: [3, 4] })
    .observe(1, events);
  return metrics.registry.getMetricsAsJSON();
}
const valueOf = (text: string, name: string) => new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];

test('counters, histograms and what processes hold are added up; of what they see the largest counts', async () => {
  const text = await mergeMetrics([
    await snapshotOf({ events: 3, connections: 10, lag: 0.5 }),
    await snapshotOf({ events: 4, connections: 20, lag: Infinity }),
  ]).metrics();
  expect(valueOf(text, 'usher_events_total{tier="critical"}')).toBe('7');
  expect(valueOf(text, 'usher_connections')).toBe('30');
  expect(valueOf(text, 'usher_lag{of="loop"}')).toBe('+Inf');
  expect(valueOf(text, 'usher_seconds_sum')).toBe('7');
  expect(valueOf(text, 'usher_seconds_count')).toBe('2');
  const fast = ['bucket{le="3",', 'bucket{le="4",', 'bucket{le="+Inf",', 'sum{', 'count{'].map((part) =>
    valueOf(text, `usher_fast_seconds_${part.replace('+', String.raw`\+`)}tier="routine"}`),
  );
  expect(fast).toEqual(['1', '2', '2', '7', '2']);
  expect(valueOf(text, 'usher_fast_seconds_count{tier="critical"}')).toBe('0');
});

test('of Node’s own metrics the lag of the worst process is reported, and not the average', async () => {
  const registry = new MetricsService().registry;
  const worst = registry.getMetricsAsArray().filter(({ aggregator }) => aggregator === 'max');
  expect(worst.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'usher_nodejs_eventloop_lag_p99_seconds',
      'usher_nodejs_eventloop_lag_mean_seconds',
      'usher_process_start_time_seconds',
    ]),
  );
  expect(worst.map(({ name }) => name)).not.toContain('usher_process_resident_memory_bytes');
});

test('what a faulty process sends as its metrics rejects, and is not thrown', async () => {
  await expect(mergeEnded([], {} as never)).rejects.toThrow(TypeError);
});

test('what processes had counted when they ended goes on counting, and what they held does not', async () => {
  const first = await mergeEnded([], await snapshotOf({ events: 3, connections: 10, lag: 9 }));
  const both = await mergeEnded(first, await snapshotOf({ events: 4, connections: 20, lag: 9 }));
  const text = await mergeMetrics([both, await snapshotOf({ events: 1, connections: 5, lag: 1 })]).metrics();
  expect(valueOf(text, 'usher_events_total{tier="critical"}')).toBe('8');
  expect(valueOf(text, 'usher_seconds_count')).toBe('3');
  expect(valueOf(text, 'usher_connections')).toBe('5');
  expect(valueOf(text, 'usher_lag{of="loop"}')).toBe('1');
});
