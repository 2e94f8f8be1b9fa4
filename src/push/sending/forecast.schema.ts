import { z } from 'zod';
import { instant } from '../../platform/auth/ids.schema.js';

const count = z.int().nonnegative();

const providerForecast = z.object({
  vendor: z.string().describe('The name of a push provider, as `apns`, `fcm` or `webpush`.'),
  perSecond: z.number().describe('Messages a second that the provider is sent at most.'),
  waiting: z.object({ critical: count, important: count }),
  seconds: z.number().nonnegative().describe('How long that takes.'),
  throughAt: instant,
});
/** When the waiting pushes of one provider will be sent. */
export type ProviderForecast = z.infer<typeof providerForecast>;

/** The response of `GET /v1/push/forecast`. */
export const forecastResponse = z.object({ vendors: z.array(providerForecast) }).meta({ id: 'PushForecast' });
