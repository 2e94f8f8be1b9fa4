import type { Envelope } from './drivers/device.js';

/** A durable event that a device applied. */
export interface AppliedEvent {
  readonly offset: number;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * The state of an app: its position, and the durable events that it applied, each once and in the order of offsets.
 * `violations` are breaches of the contract by the server, in words.
 */
export class EventLog {
  readonly applied: AppliedEvent[] = [];
  readonly violations: string[] = [];
  position: { readonly epoch: string; readonly offset: number } | undefined;
  /** The offset up to which the server replays; later offsets have no gaps. */
  private head = 0;

  /** Records a received frame. Returns whether it was a new event. */
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
