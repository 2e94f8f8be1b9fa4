import { Injectable } from '@nestjs/common';
import { DevicesService } from '../../devices/devices.service.js';
import type { IdempotentCall } from '../../platform/http/idempotency/idempotency.js';
import { Problem } from '../../platform/http/problem.js';
import { TemplateCatalogService } from '../../templates/catalog/template-catalog.service.js';
import { templateProblem } from '../../templates/template-problem.js';
import { encodeData } from './encode-data.js';
import type { Envelope, NewEvent } from './event.js';
import type { NewEventBody } from './publish.schema.js';
import { MailboxService } from '../mailbox.service.js';

/** How a call publishes its events. */
export interface PublishOptions {
  /** The caller waits for what becomes of the events on devices: see OutgoingEvent. */
  readonly reportSent: boolean;
  /** Given when the call has an Idempotency-Key. */
  readonly call: IdempotentCall | undefined;
}

/** Publishes the events of back offices: all events of a call, or none. */
@Injectable()
export class PublishService {
  constructor(
    private readonly mailbox: MailboxService,
    private readonly devices: DevicesService,
    private readonly templates: TemplateCatalogService,
  ) {}

  /**
   * Returns the envelopes in order, once they are committed. Throws Problem reserved_type, reserved_key, payload_too_large,
   * invalid_request, template_data_invalid or unknown_device, each with the event's index.
   */
  async publish(bodies: readonly NewEventBody[], options: PublishOptions): Promise<Envelope[]> {
    const encodedData = bodies.map((body, index) => encodeData(body, { index }));
    for (const [index, body] of bodies.entries()) this.checkWords(body, index);
    await this.checkTargets(bodies);
    return this.mailbox.publish(
      bodies.map((body, n) => toEvent(body, encodedData[n], options)),
      options.call,
    );
  }

  /** An event for whose words a value is missing is refused now, where somebody can do something about it. */
  private checkWords({ type, tier, data }: NewEventBody, index: number): void {
    const checked = tier === 'routine' ? undefined : this.templates.check(type, data);
    if (!checked || 'data' in checked) return;
    throw templateProblem('template_data_invalid', checked.faults, { index });
  }

  private async checkTargets(bodies: readonly NewEventBody[]): Promise<void> {
    const targets = bodies.flatMap(({ userId, deviceId }, index) =>
      deviceId === undefined ? [] : [{ userId, deviceId, index }],
    );
    if (targets.length === 0) return;
    const areRegistered = await this.devices.areRegistered(targets);
    const unknown = targets.find((_, n) => !areRegistered[n]);
    if (unknown) throw new Problem('unknown_device', undefined, { index: unknown.index });
  }
}

function toEvent(body: NewEventBody, json: string | undefined, { reportSent }: PublishOptions): NewEvent {
  const { userId, type, tier, key, data, profileId, deviceId, expiresAt } = body;
  return {
    userId,
    type,
    tier,
    key,
    data,
    json,
    profileId,
    target: deviceId,
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    reportSent,
  };
}
