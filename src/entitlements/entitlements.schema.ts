import { entitlement } from '../mailbox/state/state.schema.js';

/** Response of `GET /v1/users/{userId}/entitlement`. */
export const entitlementResponse = entitlement;
