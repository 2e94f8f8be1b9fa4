import { expect, test } from '@jest/globals';
import { pushAddress } from '../../devices/push-address.schema.js';
import { providerNamesByKind } from './push-provider.js';
import { pushProviders } from './registry.js';

test('each kind of push address that devices can register is served by one provider', () => {
  const kinds = pushAddress.options.map(({ shape }) => shape.kind.value);
  expect(Object.keys(providerNamesByKind(pushProviders)).sort()).toEqual([...kinds].sort());
});

test('two providers for one kind of address stop the boot', () => {
  const [first] = pushProviders;
  if (!first) throw new Error('no providers');
  expect(() => providerNamesByKind([first, { ...first, name: 'another' }])).toThrow(/both serve/);
});
