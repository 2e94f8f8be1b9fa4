import type { ReactNode } from 'react';
import { Id } from '../components/name.js';
import { Nothing } from '../components/parts.js';

/** What a webhook waits for: it is applied when any of these is there. */
export function WaitingFor({ of }: { of: readonly string[] }): ReactNode {
  if (of.length === 0) return <Nothing />;
  return (
    <ul>
      {of.map((one) => (
        <li key={one}>{inWords(need(one))}</li>
      ))}
    </ul>
  );
}

/** Something that a webhook waits for. */
export type Need =
  | { readonly kind: 'price' | 'subscription' | 'other'; readonly id: string }
  | { readonly kind: 'customer'; readonly processor: string; readonly id: string };

/** Reads `price:price_1`, `customer:stripe:cus_1` and `subscription:sub_1`, as responses have them. */
export function need(text: string): Need {
  const [kind, ...rest] = text.split(':');
  if (kind === 'customer') return { kind, processor: rest[0] ?? '', id: rest.slice(1).join(':') };
  if (kind === 'price' || kind === 'subscription') return { kind, id: rest.join(':') };
  return { kind: 'other', id: text };
}

function inWords(needed: Need): ReactNode {
  const id = <Id of={needed.id} />;
  switch (needed.kind) {
    case 'price':
      return <>a plan with the price {id}</>;
    case 'customer':
      return (
        <>
          a user for the customer {id} of {needed.processor}
        </>
      );
    case 'subscription':
      return <>the subscription {id}</>;
    case 'other':
      return id;
  }
}
