import { collectDefaultMetrics, Registry } from 'prom-client';

/** Of these prom-client would report the average over several processes, or nothing. What matters is the process that does worst. */
const WORST_COUNTS = /_(eventloop_lag_(?!min).*|start_time_seconds|max_fds)$/;

/** Returns a new registry with Node's usual metrics of this process, which are called `usher_process_…` and `usher_nodejs_…`. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'usher_' });
  for (const metric of registry.getMetricsAsArray())
    if (WORST_COUNTS.test(metric.name)) metric.aggregator = 'max';
  return registry;
}
