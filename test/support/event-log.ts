import type { Envelope } from './drivers/device.js';

/** One durable event that a device applied. */
export interface AppliedEvent {
  readonly offset: number;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * How an app keeps itself in step: it remembers its position, applies each durable event once and in the order of offsets,
 * and writes down what it did. `broken` are breaches of the contract, in words.
 */
export class EventLog {
  readonly applied: AppliedEvent[] = [];
  readonly violations: string[] = [];
  position: { readonly epoch: string; readonly offset: number } | undefined;
  /** Up to here the server replays; after it offsets come without holes. */
  private head = 0;

  /** Any frame that the device hears. Answers whether it changed something. */
  record(event: string, payload: Envelope): boolean {
    if (event === 'welcome') this.begin(payload);
    else if (payload.offset !== undefined) return this.apply(payload);
    return false;
  }

  private begin({ epoch, offset, resume }: Envelope): void {
    this.head = offset;
    if (resume === 'snapshot') this.position = { epoch, offset };
    else if (!this.position) this.violations.push('a replay without a position');
  }

  private apply({ offset, epoch, type, data }: Envelope): boolean {
    const { position } = this;
    if (!position) return this.violate(`${type} before welcome`);
    if (epoch !== position.epoch) return this.violate(`${type} of another epoch`);
    if (offset <= position.offset) return false;
    if (offset > this.head && offset !== Math.max(position.offset, this.head) + 1)
      this.violations.push(`offset ${offset} after ${position.offset}`);
    this.position = { epoch, offset };
    this.applied.push({ offset, type, data });
    return true;
  }

  private violate(what: string): false {
    this.violations.push(what);
    return false;
  }
}
