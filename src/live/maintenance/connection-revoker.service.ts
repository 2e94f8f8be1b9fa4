import { Injectable } from '@nestjs/common';
import { DevicesService } from '../../devices/devices.service.js';
import { revokes } from '../../platform/auth/revocations/revocation.js';
import { RevocationsService } from '../../platform/auth/revocations/revocations.service.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import { AdmissionService } from '../admission/admission.service.js';
import { NodePresenceService } from './node-presence.service.js';

/** How long a new owner waits for the other nodes to be told of the former one's end. */
const TOLD_WITHIN_MS = 500;

/** Who must leave: devices that were removed or moved to another user, and those whose tokens were revoked. */
@Injectable()
export class ConnectionRevokerService {
  constructor(
    devices: DevicesService,
    revocations: RevocationsService,
    admission: AdmissionService,
    fleet: NodePresenceService,
  ) {
    devices.onRemoved(async ({ userId, deviceId }) => {
      const ending = { userId, deviceId, reason: 'departed', at: Date.now() } as const;
      admission.end(ending);
      // While Redis is away they are told again later.
      await withTimeout(TOLD_WITHIN_MS, fleet.disconnectElsewhere(ending)).catch(() => undefined);
    });
    // Every node reads revocations from the table by itself: nothing to tell the others.
    revocations.onRevoked((revocation) => {
      admission.closeWhere(revocation.userId, (connection) => revokes(revocation, connection));
    });
  }
}
