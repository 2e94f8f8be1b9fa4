/*
 * The server with a payment processor and a push provider more, `acme` and `pager`, which are added to their registries and to nothing else:
 * only that is tested (test/contract/registries.test.ts). The processor trusts everybody; the provider prints what it is to send.
 */
import 'reflect-metadata';
import { PROCESSORS } from '../../dist/membership/processors/registry.js';
import { DELIVERED } from '../../dist/platform/sending/send-result.js';
import { pushProviders } from '../../dist/push/providers/registry.js';

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

/** All that a new provider brings, besides the shape of its addresses in device requests. */
const pager = {
  name: 'pager',
  addressKinds: ['pager'],
  perMinute: () => 6_000,
  create: () => ({
    upstreamOf: () => 'pager',
    send: async (message) => {
      process.stdout.write(`paged ${JSON.stringify(message)}\n`);
      return DELIVERED;
    },
    close: async () => {},
  }),
};

PROCESSORS.acme = AcmeProcessor;
pushProviders.push(pager);
const { bootFromEnvironment } = await import('../../dist/boot.js');
await bootFromEnvironment();
