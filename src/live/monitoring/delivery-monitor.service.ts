import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { LoadMonitorWorker } from '../../platform/load/load-monitor.worker.js';
import type { FastHistogram } from '../../platform/metrics/fast-histogram.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { type Tier, TIERS } from '../../platform/tiers.js';
import { reportStep } from '../../platform/tracing/event-steps.js';
import { TracingService } from '../../platform/tracing/tracing.service.js';
import type { EventFrame, FrameObserver, FrameTrace } from '../connection/frame.js';

/** Seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const STAGES = ['written', 'acknowledged'] as const;
const SERIES = STAGES.flatMap((stage) => TIERS.map((tier) => ({ stage, tier })))
  // Routine events are not acknowledged.
  .filter(({ stage, tier }) => stage === 'written' || tier !== 'routine');
const indexOf = (stage: (typeof STAGES)[number]): Record<Tier, number> =>
  Object.fromEntries(
    TIERS.map((tier) => [tier, SERIES.findIndex((one) => one.stage === stage && one.tier === tier)]),
  ) as Record<Tier, number>;
const WRITTEN = indexOf('written');
const ACKNOWLEDGED = indexOf('acknowledged');

/** Measures how long events take to the devices of this node, and counts the devices that do not read theirs. */
@Injectable()
export class DeliveryMonitorService implements FrameObserver {
  private readonly seconds: FastHistogram;
  private readonly slowDevices: Counter;

  constructor(
    load: LoadMonitorWorker,
    metrics: MetricsService,
    private readonly tracing: TracingService,
  ) {
    this.seconds = metrics.fastHistogram({
      name: 'delivery_seconds',
      help:
        'From the time of an event (`at`, by the clock of the node that published it) until it was `written` to a device, or `acknowledged` ' +
        'by it (by the clock of the node that holds the device); once for each device, without what devices catch up on. `acknowledged` is ' +
        'slow and `written` is not: the networks of the devices.',
      series: SERIES,
      buckets: BUCKETS,
    });
    this.slowDevices = metrics.counter(
      'slow_devices_total',
      'Devices that did not read, and got a `goaway` or were disconnected.',
    );
    metrics.gauge(
      'outbox_waiting',
      'Devices whose routine or important events wait for a write slice. It stays high: the node is at its limit.',
      'sum',
      () => load.writesWaiting,
    );
  }

  written(frame: EventFrame): void {
    this.observe(WRITTEN, frame);
    reportStep('written', frame.header.id);
    if (frame.trace !== undefined) this.traceWrite(frame, frame.trace);
  }

  acknowledged(frame: EventFrame): void {
    this.observe(ACKNOWLEDGED, frame);
    if (frame.trace !== undefined) this.traceAcknowledgement(frame, frame.trace);
  }

  /** Counts a device that is sent away because it does not read. */
  countSlowDevice(): void {
    this.slowDevices.inc();
  }

  /** One span for all devices of this node, until the first write: the others follow within a write slice. */
  private traceWrite(frame: EventFrame, trace: FrameTrace): void {
    if (trace.writtenAt !== undefined) return;
    trace.writtenAt = Date.now();
    const { context: parent, cameAt: startedAt } = trace;
    const span = this.tracing.start({
      ...spanOf('write', 'send', frame),
      kind: 'producer',
      parent,
      startedAt,
    });
    span?.end();
    trace.context = span?.context ?? parent;
  }

  /** One for each device. */
  private traceAcknowledgement(frame: EventFrame, { context: parent, cameAt, writtenAt }: FrameTrace): void {
    const startedAt = writtenAt ?? cameAt;
    this.tracing.start({ ...spanOf('ack', 'settle', frame), kind: 'consumer', parent, startedAt })?.end();
  }

  /** A clock that is ahead of the other would make an event arrive before it was published: that counts as at once. */
  private observe(series: Record<Tier, number>, { header, publishedAt }: EventFrame): void {
    const ms = Date.now() - publishedAt;
    if (!Number.isNaN(ms)) this.seconds.observe(series[header.tier], Math.max(0, ms) / 1_000);
  }
}

const spanOf = (operation: string, type: string, { header }: EventFrame) => ({
  name: `${operation} device`,
  attributes: {
    'messaging.system': 'usher',
    'messaging.operation.name': operation,
    'messaging.operation.type': type,
    'messaging.destination.name': 'device',
    'messaging.message.id': header.id,
    'usher.event.type': header.type,
    'usher.event.tier': header.tier,
  },
});
