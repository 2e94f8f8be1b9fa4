import type { Type } from '@nestjs/common';
import { AppleProcessor } from './apple/apple.processor.js';
import { GoogleProcessor } from './google/google.processor.js';
import type { Processor } from './processor.js';
import { StandardProcessor } from './standard/standard.processor.js';
import { StripeProcessor } from './stripe/stripe.processor.js';

/**
 * Every payment processor that this build knows, by its name in `POST /v1/webhooks/{name}`. To add one, add a folder and one line
 * here: the module, the webhook endpoint and the OpenAPI document follow. One whose settings are missing is served too; its
 * webhooks are refused with `not_configured`.
 */
export const PROCESSORS: Record<string, Type<Processor>> = {
  stripe: StripeProcessor,
  standard: StandardProcessor,
  apple: AppleProcessor,
  google: GoogleProcessor,
};
