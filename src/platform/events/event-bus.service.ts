import { Injectable, Logger } from '@nestjs/common';
import type { Topic } from './topic.js';

type Listener<Payload> = (payload: Payload) => void | Promise<void>;

/**
 * Notifications between the folders of this process. They are lost when the process dies, so what must not be missed is written
 * to PostgreSQL first, where a worker finds it.
 */
@Injectable()
export class EventBusService {
  private readonly log = new Logger('event-bus');
  private readonly listeners = new Map<Topic<unknown>, Listener<unknown>[]>();

  /** Calls `listener` for each payload from now on, in the order of subscription. There is no way to unsubscribe. */
  subscribe<Payload>(topic: Topic<Payload>, listener: Listener<Payload>): void {
    const listeners = this.listeners.get(topic) ?? [];
    this.listeners.set(topic, [...listeners, listener as Listener<unknown>]);
  }

  /**
   * Calls the listeners and does not wait for those that are asynchronous. An error is logged; it reaches neither the caller
   * nor other listeners.
   */
  publish<Payload>(topic: Topic<Payload>, payload: Payload): void {
    for (const listener of this.listeners.get(topic) ?? []) {
      try {
        const running = listener(payload);
        if (running) running.catch((error: unknown) => this.report(topic, error));
      } catch (error) {
        this.report(topic, error);
      }
    }
  }

  /** Calls the listeners one after the other, since they may share a transaction. Throws what the first failing one threw. */
  async publishAndWait<Payload>(topic: Topic<Payload>, payload: Payload): Promise<void> {
    for (const listener of this.listeners.get(topic) ?? []) await listener(payload);
  }

  private report(topic: Topic<unknown>, error: unknown): void {
    this.log.error(error, `a listener of ${topic.name} failed`);
  }
}
