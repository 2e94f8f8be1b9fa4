import type { User } from '../api/types.js';
import { Name } from '../components/name.js';
import { Badge, Facts, Section, When } from '../components/parts.js';
import { toneOfStatus } from '../timeline/steps.js';

/** What the user pays for, and may do. */
export function MembershipSection({ user: { membership, awake } }: { user: User }) {
  const { status, planId, version, effectiveAt, cancelAt, reason, pendingChange, capabilities } = membership;
  const allowed = [
    capabilities.streaming
      ? `${capabilities.maxStreams} streams, up to ${capabilities.maxQuality}`
      : 'no streaming',
    ...(capabilities.downloads ? ['downloads'] : []),
    ...(capabilities.ads ? ['with ads'] : []),
  ].join(', ');
  return (
    <Section title="Membership">
      <Facts
        of={[
          ['Status', <Badge tone={toneOfStatus(status)}>{status}</Badge>],
          ['Plan', planId],
          ['May', allowed],
          ['Version', version],
          ['Since', <When at={effectiveAt} />],
          ['Ends', <When at={cancelAt} />],
          ['Because of', reason && <Name of={reason} />],
          ['Asked for', pendingChange && `${pendingChange.action} ${pendingChange.planId ?? ''}`],
          ['Connected', awake === undefined ? 'not known: Redis is down' : awake ? 'yes' : 'no device'],
        ]}
      />
    </Section>
  );
}
