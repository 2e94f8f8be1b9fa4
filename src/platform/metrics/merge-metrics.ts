import { AggregatorRegistry, type Registry } from 'prom-client';

/** What a registry held at one moment; it may be sent to another process. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** By prom-client's names. */
const ADDED_UP: ReadonlySet<unknown> = new Set(['counter', 'histogram', 'summary']);

/** Returns a registry with the metrics of all snapshots, each merged as its `aggregator` says. */
export const mergeMetrics = (snapshots: readonly MetricsSnapshot[]): Registry =>
  AggregatorRegistry.aggregate([...snapshots]);

/**
 * Returns what must still count when a process has ended, merged with what counts of others that ended before. Without it the sums would fall,
 * which Prometheus takes for a counter that began again at zero, and would count what the others have counted a second time. Rejects when
 * the last snapshot is none.
 */
export const mergeEnded = async (ended: MetricsSnapshot, last: MetricsSnapshot): Promise<MetricsSnapshot> =>
  mergeMetrics([ended, last.filter(({ type }) => ADDED_UP.has(type))]).getMetricsAsJSON();
