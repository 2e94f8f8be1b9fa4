import { apns } from './apns/apns.provider.js';
import { fcm } from './fcm/fcm.provider.js';
import type { PushProviderDefinition } from './push-provider.js';
import { webPush } from './webpush/webpush.provider.js';

/**
 * Every push provider that Usher knows. A new one is a folder here, a line in this list, its settings in
 * platform/config/push-settings.ts, and its kinds of addresses in devices/push-address.schema.ts.
 */
export const pushProviders: readonly PushProviderDefinition[] = [apns, fcm, webPush];
