import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram } from 'prom-client';
import { FastHistogram, type FastHistogramOptions } from './fast-histogram.js';
import { processRegistry } from './process-registry.js';

/** What the processes of PROCESSES together report for a gauge: the sum of theirs, or the largest. Counters and histograms are summed. */
export type Across = 'sum' | 'max';

/** The node's metrics. Not prom-client's global registry, so that several nodes can run in one test process. */
@Injectable()
export class MetricsService {
  readonly registry = processRegistry();

  /** Returns a new counter `usher_<name>`. */
  counter<Label extends string>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ name: `usher_${name}`, help, labelNames, registers: [this.registry] });
  }

  /** Adds a gauge `usher_<name>`; `read` is called at each scrape. */
  gauge(name: string, help: string, across: Across, read: () => number): void {
    new Gauge({
      name: `usher_${name}`,
      help,
      aggregator: across,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** Adds a gauge `usher_<name>` with one value for each entry of the map that `read` returns; `label` names its keys. */
  gauges(
    name: string,
    help: string,
    across: Across,
    label: string,
    read: () => ReadonlyMap<string, number>,
  ): void {
    this.gaugesBy(name, help, across, [label], () => [...read()].map(([key, value]) => [[key], value]));
  }

  /** Adds a gauge `usher_<name>` with several labels; `read` returns each value with those of its labels, in their order. */
  gaugesBy(
    name: string,
    help: string,
    across: Across,
    labelNames: string[],
    read: () => readonly (readonly [labels: readonly string[], value: number])[],
  ): void {
    new Gauge({
      name: `usher_${name}`,
      help,
      aggregator: across,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.labels(...labels).set(value);
      },
    });
  }

  /** Returns a new histogram `usher_<name>`, of seconds unless it has other buckets. */
  histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[] = [],
    buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  ): Histogram<Label> {
    return new Histogram({ name: `usher_${name}`, help, labelNames, buckets, registers: [this.registry] });
  }

  /** Returns a new histogram `usher_<name>` for the hot path; see FastHistogram. */
  fastHistogram(options: Omit<FastHistogramOptions, 'registry'>): FastHistogram {
    return new FastHistogram({ ...options, name: `usher_${options.name}`, registry: this.registry });
  }
}
