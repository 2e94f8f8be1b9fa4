import jsrsasign from 'jsrsasign';
import {
  createPrivateKey,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call, type HttpReply } from '../drivers/back-office.js';

const BUNDLE = 'com.example.tests';
const APP_ID = 1_234_567_890;
const DAY_MS = 86_400_000;
/** The extensions of Apple's certificates, which its library demands. */
const LEAF_OID = '1.2.840.113635.100.6.11.1';
const INTERMEDIATE_OID = '1.2.840.113635.100.6.2.1';

interface Certificate {
  readonly pem: string;
  readonly key: KeyObject;
}

export interface AppStoreNotificationOptions {
  readonly uuid?: string;
  readonly type?: string;
  readonly subtype?: string;
  /** 1 active, 2 expired, 3 billing retry, 4 grace period, 5 revoked; 1 by default. */
  readonly status?: number;
  readonly bundleId?: string;
  readonly signedAt?: number;
  readonly transaction?: Record<string, unknown>;
  readonly renewal?: Record<string, unknown>;
  /** Signs with another chain than the one whose root is configured. */
  readonly chain?: AppleCertificateChain;
}

/** A chain of three certificates like Apple's, whose leaf signs. */
export interface AppleCertificateChain {
  readonly root: string;
  sign(payload: unknown, header?: Record<string, unknown>): string;
}

/** Fake of the App Store, with its own certificate authority. */
export interface FakeAppStore {
  readonly environment: Record<string, string>;
  readonly chain: AppleCertificateChain;
  /** Returns the body of a signed notification. */
  notification(options?: AppStoreNotificationOptions): string;
  send(url: string, options?: AppStoreNotificationOptions): Promise<HttpReply>;
  close(): void;
}

export function createFakeAppStore(): FakeAppStore {
  const chain = createAppleCertificateChain();
  const folder = mkdtempSync(join(tmpdir(), 'usher-apple-'));
  const file = join(folder, 'root.pem');
  writeFileSync(file, chain.root);
  const apple: FakeAppStore = {
    chain,
    environment: { APPLE_BUNDLE_ID: BUNDLE, APPLE_APP_ID: String(APP_ID), APPLE_ROOT_CERTIFICATES: file },
    notification: (options = {}) =>
      JSON.stringify({ signedPayload: signed(options.chain ?? chain, options) }),
    send: (url, options) => call(url, undefined, 'POST', '/v1/webhooks/apple', apple.notification(options)),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
  return apple;
}

function signed(chain: AppleCertificateChain, options: AppStoreNotificationOptions): string {
  const signedDate = options.signedAt ?? Date.now();
  const of = { bundleId: options.bundleId ?? BUNDLE, environment: 'Production', signedDate };
  const transaction = {
    ...of,
    originalTransactionId: '2000000000000001',
    transactionId: '2000000000000002',
    productId: 'com.example.tests.basic',
    type: 'Auto-Renewable Subscription',
    expiresDate: signedDate + 30 * DAY_MS,
    ...options.transaction,
  };
  const renewal = {
    ...of,
    originalTransactionId: transaction.originalTransactionId,
    autoRenewStatus: 1,
    ...options.renewal,
  };
  return chain.sign({
    notificationType: options.type ?? 'SUBSCRIBED',
    ...(options.subtype !== undefined && { subtype: options.subtype }),
    notificationUUID: options.uuid ?? randomUUID(),
    version: '2.0',
    signedDate,
    data: {
      ...of,
      appAppleId: APP_ID,
      status: options.status ?? 1,
      signedTransactionInfo: chain.sign(transaction),
      signedRenewalInfo: chain.sign(renewal),
    },
  });
}

/** Returns a new certificate chain; `marked: false` leaves out Apple's extensions. */
export function createAppleCertificateChain({ marked = true } = {}): AppleCertificateChain {
  const mark = (oid: string) => (marked ? [{ extname: oid, extn: { null: '' } }] : []);
  const root = certificate('Root', undefined, [{ extname: 'basicConstraints', cA: true, critical: true }]);
  const middle = certificate('Intermediate', { name: 'Root', ...root }, [
    { extname: 'basicConstraints', cA: true, critical: true },
    ...mark(INTERMEDIATE_OID),
  ]);
  const leaf = certificate('Leaf', { name: 'Intermediate', ...middle }, mark(LEAF_OID));
  const x5c = [leaf, middle, root].map(({ pem }) => pem.replace(/-----[^-]+-----|\s/g, ''));
  return {
    root: root.pem,
    sign(payload, header = {}) {
      const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const text = `${encode({ alg: 'ES256', x5c, ...header })}.${encode(payload)}`;
      const signature = createSign('sha256').update(text).sign({ key: leaf.key, dsaEncoding: 'ieee-p1363' });
      return `${text}.${signature.toString('base64url')}`;
    },
  };
}

function certificate(
  name: string,
  issuer: ({ name: string } & Certificate) | undefined,
  ext: Record<string, unknown>[],
): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = (key: KeyObject, type: 'pkcs8' | 'spki') => key.export({ type, format: 'pem' }) as string;
  const signer = issuer?.key ?? privateKey;
  const { TBSCertificate, Certificate } = jsrsasign.KJUR.asn1.x509;
  const params = {
    version: 3,
    serial: { hex: `01${randomBytes(8).toString('hex')}` },
    issuer: { str: `/CN=${issuer?.name ?? name}` },
    subject: { str: `/CN=${name}` },
    notbefore: utc(Date.now() - 365 * DAY_MS),
    notafter: utc(Date.now() + 365 * DAY_MS),
    sbjpubkey: pem(publicKey, 'spki'),
    ext,
    sigalg: 'SHA256withECDSA',
  } as never;
  const tbsobj = new TBSCertificate(params);
  // Signed by Node, since the library's own arithmetic takes a second.
  const sighex = createSign('sha256')
    .update(Buffer.from((tbsobj as unknown as { tohex(): string }).tohex(), 'hex'))
    .sign(signer)
    .toString('hex');
  const certificate = new Certificate({ ...(params as object), tbsobj, sighex } as never);
  return { pem: certificate.getPEM(), key: createPrivateKey(pem(privateKey, 'pkcs8')) };
}

const utc = (at: number): string => new Date(at).toISOString().replace(/^\d\d|[-:T]|\.\d+/g, '');
