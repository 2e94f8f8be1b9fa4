import { useMay } from '../api/session.js';
import type { DescribedCampaign } from '../api/types.js';
import { Action } from '../components/action.js';

const EXPLANATIONS: Record<string, string> = {
  approve: 'It may be scheduled then. When it is rewritten it must be approved again.',
  schedule: 'It begins at its time, or at once if that has passed.',
  pause: 'It is sent to nobody else until it is resumed. What is queued already is sent.',
  resume: 'It is sent to the members who have not got it yet.',
  abort:
    'It is sent to nobody else, for good. What is queued already is sent; what was published to everyone is withdrawn.',
};
const ALLOWED: Record<string, readonly string[]> = {
  draft: ['approve', 'abort'],
  approved: ['schedule', 'abort'],
  scheduled: ['abort'],
  running: ['pause', 'abort'],
  paused: ['resume', 'abort'],
};

/** What may be done with a campaign in its state. `path`: of the campaign in the API. What is published has nothing to hold up. */
export function CampaignActions({
  path,
  of: { state, broadcastId, updatedAt },
  reload,
}: {
  path: string;
  of: DescribedCampaign;
  reload: () => void;
}) {
  if (!useMay('operate')) return null;
  const allowed = (ALLOWED[state] ?? []).filter((action) => action !== 'pause' || broadcastId === null);
  return allowed.map((action) => (
    <Action
      key={action}
      label={action.charAt(0).toUpperCase() + action.slice(1)}
      explanation={EXPLANATIONS[action]}
      path={action === 'approve' ? `${path}/approve?updatedAt=${updatedAt}` : `${path}/${action}`}
      call={{ method: 'POST' }}
      isDangerous={action === 'abort'}
      done={() => 'Done.'}
      onDone={reload}
    />
  ));
}
