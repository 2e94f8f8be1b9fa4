import { Fragment } from 'react';

/** A name of several words, as `customer.subscription.created`: where it does not fit into a line it is broken after one of them. */
export function Name({ of: name }: { of: string }) {
  return name.split(/(?<=[._:/])/).map((part, n) => (
    <Fragment key={n}>
      {n === 0 ? (
        part
      ) : (
        <>
          <wbr />
          {part}
        </>
      )}
    </Fragment>
  ));
}

/** Ids as long as this fit into a line of a phone, beside the name of their column. */
const LONGEST_UNBROKEN = 24;

/** An id, which is broken only when it is long. */
export function Id({ of: id }: { of: string }) {
  return <span className={id.length <= LONGEST_UNBROKEN ? 'id unbroken' : 'id'}>{id}</span>;
}
