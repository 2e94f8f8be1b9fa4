import type { Socket } from 'socket.io';
import type { EventFrame, Frame } from '../../connection/frame.js';
import type { ControlFrame, Transport } from '../../connection/transport.js';
import type { Engine, PacketHandlers } from '../socket-driver.js';

const NONE: readonly never[] = [];

/** The arguments that a frame has for Socket.IO, which encodes them again; read once for all devices. */
const argumentsOf = new WeakMap<Frame, unknown[]>();

function read(frame: Frame): unknown[] {
  const known = argumentsOf.get(frame);
  if (known) return known;
  const made = JSON.parse(frame.body) as unknown[];
  argumentsOf.set(frame, made);
  return made;
}

const sizeOf = ({ data }: { readonly data?: unknown }): number =>
  typeof data === 'string' ? data.length : 0;

/** Writes to one Socket.IO socket by `emit`, and reads by `onAny` and the callbacks of acknowledgements. */
export class StockTransport implements Transport {
  readonly acknowledges = true;
  private readonly engine: Engine;
  /** The callbacks of commands that are being carried out, by the ids that they were given here. */
  private readonly responders = new Map<number, (result: unknown) => void>();
  private lastCommand = 0;
  /** Characters that wait in Engine.IO, that were given to the network last, and all that were written. */
  private queued = 0;
  private flushed = 0;
  private written = 0;

  constructor(
    private readonly socket: Socket,
    private readonly handlers: PacketHandlers,
  ) {
    this.engine = socket.conn;
    socket.onAny((...args: unknown[]) => this.receive(args));
    this.engine.on('packetCreate', (packet) => {
      this.queued += sizeOf(packet);
      this.written += sizeOf(packet);
    });
    this.engine.on('flush', () => {
      this.flushed = this.queued;
      this.queued = 0;
    });
  }

  get bufferedBytes(): number {
    return this.queued + (this.engine.transport.writable ? 0 : this.flushed);
  }

  get sentBytes(): number {
    return this.written - this.bufferedBytes;
  }

  encode(): void {
    // Socket.IO encodes a packet as it is written, once for each device.
  }

  write(events: readonly EventFrame[], responses: readonly Frame[] = NONE): void {
    for (const response of responses) this.respond(response);
    for (const event of events) {
      const [type, envelope] = read(event);
      this.send(String(type), envelope, event.ackId);
    }
  }

  emit(frame: ControlFrame, payload: unknown, ackId?: number): void {
    this.send(frame, payload, ackId);
  }

  disconnect(): void {
    this.socket.disconnect(true);
  }

  terminate(): void {
    this.engine.close(true);
  }

  private send(name: string, payload: unknown, ackId: number | undefined): void {
    const { socket, handlers } = this;
    if (ackId === undefined) socket.emit(name, payload);
    else socket.emit(name, payload, () => handlers.onack.call(socket, { id: ackId }));
  }

  private receive(args: unknown[]): void {
    const callback = args.at(-1);
    if (typeof callback !== 'function') return this.handlers.onevent.call(this.socket, { data: args });
    const id = (this.lastCommand += 1);
    this.responders.set(id, callback as (result: unknown) => void);
    this.handlers.onevent.call(this.socket, { data: args.slice(0, -1), id });
  }

  private respond(response: Frame): void {
    const { ackId = 0 } = response;
    const responder = this.responders.get(ackId);
    this.responders.delete(ackId);
    responder?.(...(read(response) as [unknown]));
  }
}
