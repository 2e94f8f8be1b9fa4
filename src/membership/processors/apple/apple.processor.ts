import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import type { SignedDataVerifier } from '@apple/app-store-server-library';
import { z } from 'zod';
import { CONFIG, type Config, ConfigError } from '../../../platform/config/config.js';
import { Problem } from '../../../platform/http/problem.js';
import { plainText } from '../../../platform/http/text.schema.js';
import type { WebhookHeaders, Processor, VerifiedWebhook, ProcessorUpdate } from '../processor.js';
import { mapAppleNotification } from './apple.mapper.js';

const body = z.object({ signedPayload: z.string() });
const anyNotification = z.object({
  notificationUUID: plainText(64).min(1),
  notificationType: plainText(64),
  subtype: plainText(64).optional(),
  signedDate: z.int().min(0).max(253_402_300_799_999),
});

/**
 * App Store Server Notifications, version 2, verified with Apple's own library: the chain of certificates down to the
 * configured roots, offline, as of the day it was signed. A notification is signed once and may come days later, so there
 * is no age that would be too great; what is old loses by its date.
 */
@Injectable()
export class AppleProcessor implements Processor {
  readonly name = 'apple';
  private readonly verifier: Promise<SignedDataVerifier> | undefined;

  /** Throws ConfigError. */
  constructor(@Inject(CONFIG) config: Config) {
    const { APPLE_BUNDLE_ID: bundleId, APPLE_ROOT_CERTIFICATES: files } = config;
    this.verifier =
      bundleId === undefined || files.length === 0
        ? undefined
        : verifierOf(config, bundleId, files.map(read));
  }

  async verify(bytes: Buffer, _headers: WebhookHeaders): Promise<VerifiedWebhook> {
    if (!this.verifier)
      throw new Problem('not_configured', 'APPLE_BUNDLE_ID and APPLE_ROOT_CERTIFICATES are not set.');
    const { success, data: said } = body.safeParse(parsed(bytes));
    if (!success) throw new Problem('invalid_request', 'signedPayload is missing.');
    const { notification, transaction, renewal } = await decoded(await this.verifier, said.signedPayload);
    const { success: isOne, data: found } = anyNotification.safeParse(notification);
    if (!isOne) throw new Problem('invalid_request', 'This is no notification.');
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
}

/** The library brings much with it; a node that has no Apple does not load it. */
async function verifierOf(config: Config, bundleId: string, roots: Buffer[]): Promise<SignedDataVerifier> {
  const { SignedDataVerifier: Verifier, Environment } = await import('@apple/app-store-server-library');
  const environment = config.APPLE_ENVIRONMENT === 'Sandbox' ? Environment.SANDBOX : Environment.PRODUCTION;
  return new Verifier(roots, false, environment, bundleId, config.APPLE_APP_ID);
}

/** What is signed within what is signed is verified too. Throws Problem signature_invalid. */
async function decoded(verifier: SignedDataVerifier, signedPayload: string) {
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

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new ConfigError('APPLE_ROOT_CERTIFICATES names a file that cannot be read.');
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Problem('malformed_json');
  }
}
