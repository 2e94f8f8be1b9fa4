import { Injectable } from '@nestjs/common';
import { eventsPublished } from '../../mailbox/events/outgoing-event.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { growingCache } from '../../platform/growing-cache.js';
import type { TraceSpan } from '../../platform/tracing/trace-backend.js';
import { TracingService } from '../../platform/tracing/tracing.service.js';

/** Events whose pushes may be traced, and for how long: the queue is a table, which keeps no contexts. */
const MAX_EVENTS = 10_000;
const KEEP_MS = 10 * 60_000;

/**
 * Remembers the traces of events that this node published, so that their pushes go on in them if this node sends them. A push that another
 * worker claims is not traced.
 */
@Injectable()
export class PushTracesService {
  private readonly contexts = growingCache<string>(MAX_EVENTS, KEEP_MS);

  constructor(
    private readonly tracing: TracingService,
    bus: EventBusService,
  ) {
    if (!tracing.isOn) return;
    bus.subscribe(eventsPublished, ({ events }) => {
      for (const { event, trace } of events)
        if (trace !== undefined) this.contexts.set(event.header.id, trace);
    });
  }

  /** Begins a span in the trace of each of these events, of a batch that was claimed from the queue; ends them at once. */
  claimed(provider: string, eventIds: readonly string[], startedAt: number): void {
    if (!this.tracing.isOn) return;
    const spans = this.tracing.startEach(
      eventIds.map((id) => this.contexts.get(id)),
      {
        name: 'claim push',
        kind: 'consumer',
        startedAt,
        attributes: attributesOf('claim', 'receive', provider),
      },
    );
    for (const id of eventIds) {
      const span = spans.get(this.contexts.get(id) ?? '');
      if (span) this.contexts.set(id, span.context);
    }
    spans.forEach((span) => span.end());
  }

  /** Begins the span of a send; undefined when the event is not traced. */
  startSend(provider: string, eventId: string | undefined): TraceSpan | undefined {
    if (!this.tracing.isOn || eventId === undefined) return undefined;
    const parent = this.contexts.get(eventId);
    if (parent === undefined) return undefined;
    const attributes = { ...attributesOf('send', 'send', provider), 'messaging.message.id': eventId };
    return this.tracing.start({ name: `send ${provider}`, kind: 'client', parent, attributes });
  }
}

const attributesOf = (operation: string, type: string, provider: string) => ({
  'messaging.system': provider,
  'messaging.operation.name': operation,
  'messaging.operation.type': type,
  'messaging.destination.name': operation === 'claim' ? 'push' : provider,
});
