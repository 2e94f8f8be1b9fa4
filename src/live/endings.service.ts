import { Injectable } from '@nestjs/common';
import { Devices } from '../devices/devices.service.js';
import { revokes } from '../platform/auth/revocation.js';
import { Revocations } from '../platform/auth/revocations.service.js';
import { within } from '../platform/within.js';
import { Admission } from './admission.service.js';
import { Fleet } from './fleet.service.js';

/** How long a new owner waits for the other nodes to be told of the former one's end. */
const TOLD_WITHIN_MS = 500;

/** Who must leave: devices that were removed or moved to another user, and those whose tokens were revoked. */
@Injectable()
export class Endings {
  constructor(devices: Devices, revocations: Revocations, admission: Admission, fleet: Fleet) {
    devices.onDeparture(async ({ userId, deviceId }) => {
      const ending = { userId, deviceId, why: 'departed', at: Date.now() } as const;
      admission.end(ending);
      // While Redis is away they are told again later.
      await within(TOLD_WITHIN_MS, fleet.endElsewhere(ending)).catch(() => undefined);
    });
    // Every node reads revocations from the table by itself: nothing to tell the others.
    revocations.onRevoked((revocation) => {
      admission.closeThose(revocation.userId, (connection) => revokes(revocation, connection));
    });
  }
}
