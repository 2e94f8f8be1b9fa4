import { Injectable, type OnModuleInit } from '@nestjs/common';
import { deviceRemoved, type DeviceRef } from '../../devices/device.js';
import { revokes, tokenRevoked } from '../../platform/auth/revocations/revocation.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import { AdmissionService } from '../admission/admission.service.js';
import { NodePresenceService } from './node-presence.service.js';

/** How long the new owner of a device waits until the other nodes have disconnected the former one. */
const DISCONNECT_TIMEOUT_MS = 500;

/** Closes the connections of devices that were removed or moved to another user, and those of revoked tokens. */
@Injectable()
export class ConnectionRevokerService implements OnModuleInit {
  constructor(
    private readonly bus: EventBusService,
    private readonly admission: AdmissionService,
    private readonly presence: NodePresenceService,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(deviceRemoved, (device) => this.disconnect(device));
    // Every node reads revocations from the table by itself, so the others need not be told.
    this.bus.subscribe(tokenRevoked, (revocation) => {
      this.admission.closeWhere(revocation.userId, (connection) => revokes(revocation, connection));
    });
  }

  private async disconnect({ userId, deviceId }: DeviceRef): Promise<void> {
    const request = { userId, deviceId, reason: 'departed', at: Date.now() } as const;
    this.admission.end(request);
    // While Redis is away the other nodes are told again later.
    await withTimeout(DISCONNECT_TIMEOUT_MS, this.presence.disconnectElsewhere(request)).catch(
      () => undefined,
    );
  }
}
