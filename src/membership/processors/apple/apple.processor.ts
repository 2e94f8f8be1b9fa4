import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import type { SignedDataVerifier } from '@apple/app-store-server-library';
import { z } from 'zod';
import { CONFIG, type Config, ConfigError } from '../../../platform/config/config.js';
import { Problem } from '../../../platform/http/problem.js';
import { plainText } from '../../../platform/http/text.schema.js';
import {
  parseWebhookJson,
  type Processor,
  type ProcessorUpdate,
  type VerifiedWebhook,
  type WebhookHeaders,
} from '../processor.js';
import { canonicalAccountToken, mapAppleNotification } from './apple.mapper.js';

const requestBody = z.object({ signedPayload: z.string() });
const anyNotification = z.object({
  notificationUUID: plainText(64).min(1),
  notificationType: plainText(64),
  subtype: plainText(64).optional(),
  signedDate: z.int().min(0).max(253_402_300_799_999),
});

/**
 * App Store Server Notifications, version 2, verified with Apple's own library: the certificate chain up to the configured roots,
 * offline, as of the signing date. A notification is signed once and may be delivered days later, so none is too old; an older one
 * never overwrites a newer one (update-rules.ts).
 */
@Injectable()
export class AppleProcessor implements Processor {
  private readonly verifier: Promise<SignedDataVerifier> | undefined;

  /** Throws ConfigError. */
  constructor(@Inject(CONFIG) config: Config) {
    const { APPLE_BUNDLE_ID: bundleId, APPLE_ROOT_CERTIFICATES: files } = config;
    this.verifier =
      bundleId === undefined || files.length === 0
        ? undefined
        : createVerifier(config, bundleId, files.map(readCertificate));
  }

  async verify(bytes: Buffer, _headers: WebhookHeaders): Promise<VerifiedWebhook> {
    if (!this.verifier)
      throw new Problem('not_configured', 'APPLE_BUNDLE_ID and APPLE_ROOT_CERTIFICATES are not set.');
    const { success, data: request } = requestBody.safeParse(parseWebhookJson(bytes.toString('utf8')));
    if (!success) throw new Problem('invalid_request', 'signedPayload is missing.');
    const { notification, transaction, renewal } = await decode(await this.verifier, request.signedPayload);
    const { success: isNotification, data: found } = anyNotification.safeParse(notification);
    if (!isNotification) throw new Problem('invalid_request', 'This is no notification.');
    return {
      eventId: found.notificationUUID,
      type: [found.notificationType, found.subtype].filter(Boolean).join('.'),
      createdAt: new Date(found.signedDate),
      payload: JSON.stringify({ notification, transaction, renewal }),
    };
  }

  read(payload: unknown): ProcessorUpdate {
    return mapAppleNotification(payload);
  }

  canonicalCustomerId(customerId: string): string {
    return canonicalAccountToken(customerId);
  }
}

/** The library has many dependencies, so it is only loaded where Apple is configured. */
async function createVerifier(
  config: Config,
  bundleId: string,
  roots: Buffer[],
): Promise<SignedDataVerifier> {
  const { SignedDataVerifier: Verifier, Environment } = await import('@apple/app-store-server-library');
  const environment = config.APPLE_ENVIRONMENT === 'Sandbox' ? Environment.SANDBOX : Environment.PRODUCTION;
  return new Verifier(roots, false, environment, bundleId, config.APPLE_APP_ID);
}

/** Verifies the notification and the signed transaction and renewal inside it. Throws Problem signature_invalid. */
async function decode(verifier: SignedDataVerifier, signedPayload: string) {
  try {
    const { data, ...notification } = await verifier.verifyAndDecodeNotification(signedPayload);
    const { signedTransactionInfo, signedRenewalInfo, ...rest } = data ?? {};
    return {
      notification: { ...notification, data: rest },
      transaction:
        signedTransactionInfo && (await verifier.verifyAndDecodeTransaction(signedTransactionInfo)),
      renewal: signedRenewalInfo && (await verifier.verifyAndDecodeRenewalInfo(signedRenewalInfo)),
    };
  } catch {
    throw new Problem('signature_invalid');
  }
}

function readCertificate(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new ConfigError('APPLE_ROOT_CERTIFICATES names a file that cannot be read.');
  }
}
