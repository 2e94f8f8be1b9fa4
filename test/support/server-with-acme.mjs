/*
 * The server with one more payment processor, `acme`, which is added to the registry and to nothing else. It trusts everybody: only
 * its registration is tested (test/contract/processor-registry.test.ts).
 */
import 'reflect-metadata';
import { PROCESSORS } from '../../dist/membership/processors/registry.js';

class AcmeProcessor {
  verify(body) {
    const { id } = JSON.parse(body.toString());
    return { eventId: id, type: 'acme.subscribed', createdAt: new Date(), payload: body.toString() };
  }

  read({ userId, price }) {
    const now = new Date();
    return {
      kind: 'subscription',
      subscriptionId: `acme-${userId}`,
      customerId: userId,
      userId,
      status: 'active',
      priceIds: [price],
      effectiveAt: now,
      cancelAt: null,
      ended: false,
      asOf: now,
      object: {},
      follows: () => false,
    };
  }
}

PROCESSORS.acme = AcmeProcessor;
const { bootFromEnvironment } = await import('../../dist/boot.js');
await bootFromEnvironment();
