import { toUsherError, UsherError } from './errors.js';
import { fromPlainError, toPlainError, type TabCall, type TabMessage } from './tab-channel.js';
import type { Usher } from './usher.js';

interface WaitingCall {
  readonly call: TabCall;
  resolve(value: unknown): void;
  reject(error: UsherError): void;
}

/** As many as the tab with the connection lets wait. */
const MAX_WAITING = 1_000;

/**
 * Carries out calls in the tab that has the connection. A call whose tab with the connection was closed is carried out by the next
 * one, perhaps for the second time, which is harmless: heartbeats have their own time, and receipts only move forward.
 */
export class TabCalls {
  private readonly waiting = new Map<string, WaitingCall>();
  private readonly tabId = Array.from(crypto.getRandomValues(new Uint32Array(2)), (n) => n.toString(36)).join(
    '',
  );
  private leader: Usher | undefined;
  private calls = 0;
  private closeReason: UsherError | undefined;

  constructor(private readonly post: (message: TabMessage) => void) {}

  /** Returns what the call returned. Rejects like the client's methods. */
  call(call: TabCall): Promise<unknown> {
    if (this.closeReason) return Promise.reject(this.closeReason);
    if (this.leader) return run(this.leader, call);
    if (this.waiting.size >= MAX_WAITING)
      return Promise.reject(new UsherError('queue_full', 'too many calls wait to be sent', true));
    const id = `${this.tabId}:${++this.calls}`;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { call, resolve, reject });
      this.post({ kind: 'call', id, call });
    });
  }

  /** This tab has the connection from now on. */
  lead(leader: Usher): void {
    this.leader = leader;
    for (const [id, { call, resolve, reject }] of this.waiting) {
      this.waiting.delete(id);
      run(leader, call).then(resolve, reject);
    }
  }

  /** Returns true if the message was about a call. */
  receive(message: TabMessage): boolean {
    if (message.kind === 'leading')
      for (const [id, { call }] of this.waiting) this.post({ kind: 'call', id, call });
    else if (message.kind === 'call') this.runFor(message.id, message.call);
    else if (message.kind === 'returned') this.take(message.id)?.resolve(message.value);
    else if (message.kind === 'failed') this.take(message.id)?.reject(fromPlainError(message.error));
    else return false;
    return true;
  }

  /** Rejects every call that waits, and those from now on. */
  close(reason: UsherError): void {
    this.closeReason = reason;
    for (const { reject } of this.waiting.values()) reject(reason);
    this.waiting.clear();
  }

  private runFor(id: string, call: TabCall): void {
    if (!this.leader || this.closeReason) return;
    run(this.leader, call).then(
      (value) => this.answer({ kind: 'returned', id, value }),
      (error: unknown) =>
        this.answer({ kind: 'failed', id, error: toPlainError(toUsherError(error, 'protocol')) }),
    );
  }

  /** A client that is closing does not answer: its calls go to the next tab. */
  private answer(message: TabMessage): void {
    if (!this.closeReason) this.post(message);
  }

  private take(id: string): WaitingCall | undefined {
    const call = this.waiting.get(id);
    this.waiting.delete(id);
    return call;
  }
}

function run(leader: Usher, call: TabCall): Promise<unknown> {
  if (call.method === 'beat') return leader.beat(call.argument);
  return call.method === 'receipt' ? leader.receipt(call.argument) : leader.updateDevice(call.argument);
}
