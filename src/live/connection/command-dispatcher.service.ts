import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { HandlesDeviceCommand } from '../../devices/commands/device-command.decorator.js';
import type { CommandResponse, DeviceCommand } from '../../devices/commands/device-command.js';
import { valueDeeperThan } from '../../platform/http/body/json-depth.js';
import { toProblem } from '../../platform/http/to-problem.js';
import { Problem } from '../../platform/http/problem.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { AcknowledgementsService } from './acknowledgements.service.js';
import { type Connection, MAX_RATE_DEBT } from './connection.js';
import { responseFrame } from './frame.js';
import { LocalDeliveryService } from '../delivery/local-delivery.service.js';

/** Levels of JSON in one command (docs/CONTRACT.md, "The device socket"). */
const MAX_DEPTH = 16;

/** Takes what devices send over their transports: commands, each for its handler, and acknowledgements of events. */
@Injectable()
export class CommandDispatcherService implements OnModuleInit {
  private readonly log = new Logger('live');
  /** The handlers by the name of their command. */
  private commands: ReadonlyMap<unknown, DeviceCommand> = new Map();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly delivery: LocalDeliveryService,
    private readonly acknowledgements: AcknowledgementsService,
  ) {}

  onModuleInit(): void {
    const handlers = this.discovery.getProviders({ metadataKey: HandlesDeviceCommand.KEY });
    this.commands = new Map(
      handlers.map((handler) => [
        this.discovery.getMetadataByDecorator(HandlesDeviceCommand, handler),
        handler.instance as DeviceCommand,
      ]),
    );
  }

  /**
   * Carries out the command `[name, payload]`, unchecked as the device sent it, and responds if it has an `ackId`. A
   * command that nobody handles counts towards the device's rate and gets no response.
   */
  dispatch(connection: Connection, command: unknown, ackId: number | undefined): void {
    const isWithinRate = this.countFrame(connection);
    const [name, payload] = Array.isArray(command) ? (command as unknown[]) : [];
    const handler = this.commands.get(name);
    if (!handler) return;
    const respond = (result: unknown) => {
      if (ackId !== undefined) this.delivery.respond(connection, responseFrame(ackId, result));
    };
    const running = isWithinRate
      ? this.handle(handler, connection, payload)
      : Promise.reject(new Problem('rate_limited', undefined, { retryAfterMs: 1_000 }));
    running.then(
      (fields) => respond({ ok: true, ...fields }),
      (error: unknown) => respond({ ok: false, error: this.toError(error, String(name)) }),
    );
  }

  /**
   * Takes the acknowledgement of an event, and writes what was held back until the device had read enough. One that was not to be
   * expected counts towards the device's rate.
   */
  acknowledge(connection: Connection, ackId: number): void {
    if (!this.acknowledgements.acknowledge(connection, ackId)) this.countFrame(connection);
    this.delivery.resume(connection);
  }

  /** Returns whether one more frame is within the device's rate, and terminates a connection that floods. */
  private countFrame(connection: Connection): boolean {
    const { inboundLimit, transport } = connection;
    const isWithinRate = inboundLimit.take(monotonicNow());
    if (inboundLimit.deficit > MAX_RATE_DEBT) transport?.terminate();
    return isWithinRate;
  }

  private async handle(
    handler: DeviceCommand,
    connection: Connection,
    payload: unknown,
  ): Promise<CommandResponse> {
    if (valueDeeperThan(payload, MAX_DEPTH)) throw new Problem('too_deep');
    return handler.handle(connection, payload);
  }

  private toError(error: unknown, name: string): ReturnType<Problem['toSocketError']> {
    const problem = toProblem(error);
    if (problem.code === 'internal') this.log.error(error, `${name} failed`);
    return problem.toSocketError();
  }
}
