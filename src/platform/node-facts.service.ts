import { Injectable } from '@nestjs/common';

/**
 * What this node says of itself to people who look at all nodes. Each folder adds what it knows; NodeFactsWorker publishes it once a second, so
 * it is small, and a fact that lists something lists a bounded part of it.
 */
@Injectable()
export class NodeFactsService {
  private readonly readers = new Map<string, () => unknown>();

  /** Adds a fact; `read` returns its value as JSON, and is called once a second. */
  add(name: string, read: () => unknown): void {
    this.readers.set(name, read);
  }

  /** All facts, by their names. */
  read(): Record<string, unknown> {
    return Object.fromEntries([...this.readers].map(([name, read]) => [name, read()]));
  }
}
