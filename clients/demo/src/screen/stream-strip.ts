import { element, setText } from '../dom.js';
import type { FilmStreamState } from './film-stream.js';

/** More slots than this are shown as a number only. */
const MAX_BOXES = 8;

/** Shows the stream of one device: its slot of the plan, what is left of its lease, and the bytes that came. */
export class StreamStrip {
  readonly root: HTMLElement;
  private readonly boxes = element('span', { class: 'slot-boxes', 'aria-hidden': 'true' });
  private readonly slot = element('span', { class: 'slot' });
  private readonly lease = element('span', { class: 'lease' });
  private readonly bytes = element('span', { class: 'bytes' });
  private readonly message = element('span', { class: 'stream-message', role: 'status' });

  constructor(deviceName: string) {
    this.root = element(
      'div',
      { class: 'stream-strip', role: 'group', 'aria-label': `Stream of ${deviceName}` },
      this.boxes,
      this.slot,
      this.lease,
      this.message,
      this.bytes,
    );
  }

  render(state: FilmStreamState): void {
    this.root.dataset['is'] = state.is;
    const isFlowing = state.is === 'flowing';
    for (const part of [this.boxes, this.slot, this.lease]) part.hidden = !isFlowing;
    this.bytes.hidden = !('bytes' in state);
    if (isFlowing) {
      this.renderBoxes(state.slot, state.slots);
      setText(this.slot, state.slot > 0 ? `Slot ${state.slot} of ${state.slots}` : 'Slot …');
      setText(this.lease, `Lease ${state.leaseSeconds} s`);
    }
    if ('bytes' in state) setText(this.bytes, formatBytes(state.bytes));
    setText(this.message, getMessage(state));
  }

  private renderBoxes(slot: number, slots: number): void {
    const count = slots <= MAX_BOXES ? slots : 0;
    const key = `${slot}/${count}`;
    if (this.boxes.dataset['key'] === key) return;
    this.boxes.dataset['key'] = key;
    const boxes = Array.from({ length: count }, (_, n) =>
      element('i', n + 1 === slot ? { 'data-own': 'true' } : {}),
    );
    this.boxes.replaceChildren(...boxes);
  }
}

function getMessage(state: FilmStreamState): string {
  switch (state.is) {
    case 'idle':
      return 'No stream';
    case 'asking':
      return 'Asking the edge node …';
    case 'flowing':
      return '';
    case 'stopped':
      return `Bytes stopped: ${STOP_REASONS[state.reason] ?? state.reason}`;
    case 'refused':
      return `Refused: ${state.message}`;
  }
}

const STOP_REASONS: Readonly<Record<string, string>> = {
  membership: 'the membership does not allow them any more',
  not_entitled: 'the membership does not allow them any more',
  too_many_streams: 'the plan has fewer slots now',
  operator: 'an operator stopped the stream',
  device_removed: 'the device was removed',
  expired: 'the lease expired',
  over: 'the stream was over',
  ended: 'another screen goes on with the film',
  unreachable: 'the edge node cannot be reached',
};

function formatBytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(2)} MB`;
}
