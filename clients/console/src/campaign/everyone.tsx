import type { DescribedCampaign } from '../api/types.js';
import { Badge, Facts, Section, When } from '../components/parts.js';
import { count } from '../format.js';

/** What became of a campaign to everyone: its broadcast, and how many devices got it, by a sample. */
export function Everyone({ of: broadcast }: { of: DescribedCampaign['broadcast'] }) {
  if (!broadcast)
    return (
      <Section title="What became of it">
        <p className="quiet">It is no broadcast yet, or not any more: they are kept for a while only.</p>
      </Section>
    );
  const { number, state, expiresAt, counts } = broadcast;
  const { sampled, estimated } = counts;
  const about = (n: number) => (sampled.of === 1 ? count(n) : `about ${count(n)}`);
  return (
    <Section
      title="What became of it"
      note={`It is one broadcast, for everyone. Devices are counted by a sample: those of one user in ${count(sampled.of)}, times ${count(sampled.of)}.`}
    >
      <Facts
        of={[
          ['Broadcast', `number ${number}`],
          [
            'State',
            <Badge tone={state === 'in_force' ? 'good' : 'quiet'}>{state.replaceAll('_', ' ')}</Badge>,
          ],
          ['In force until', <When at={expiresAt} />],
          ['Sent to devices', about(estimated.sent)],
          ['Acknowledged by', about(estimated.received)],
          ['Counted in the sample', `${count(sampled.sent)} sent, ${count(sampled.received)} acknowledged`],
        ]}
      />
    </Section>
  );
}
