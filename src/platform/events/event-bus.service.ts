import { Injectable, Logger } from '@nestjs/common';
import type { Topic } from './topic.js';

type Listener<Payload> = (payload: Payload) => void | Promise<void>;

/**
 * Notifications between the folders of this process. They are lost when the process dies, so whatever must not be missed is in
 * PostgreSQL first, and is found there by a worker.
 */
@Injectable()
export class EventBusService {
  private readonly log = new Logger('event-bus');
  private readonly listeners = new Map<Topic<unknown>, Listener<unknown>[]>();

  /** The listener is called for each payload from now on, in the order of subscription. It cannot be removed. */
  subscribe<Payload>(topic: Topic<Payload>, listener: Listener<Payload>): void {
    const listeners = this.listeners.get(topic) ?? [];
    this.listeners.set(topic, [...listeners, listener as Listener<unknown>]);
  }

  /** Calls the listeners now and waits for none. One that fails is logged; it never fails the publisher or another listener. */
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

  /** Calls the listeners side by side and waits for all of them. Throws what the first failing one threw. */
  async publishAndWait<Payload>(topic: Topic<Payload>, payload: Payload): Promise<void> {
    await Promise.all((this.listeners.get(topic) ?? []).map(async (listener) => listener(payload)));
  }

  private report(topic: Topic<unknown>, error: unknown): void {
    this.log.error(error, `a listener of ${topic.name} failed`);
  }
}
