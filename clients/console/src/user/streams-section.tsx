import { segment } from '../api/api.js';
import { useMay } from '../api/session.js';
import type { Stream, User } from '../api/types.js';
import { Action } from '../components/action.js';
import { Id } from '../components/name.js';
import { Section, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';

const STREAM_COLUMNS: readonly Column<Stream>[] = [
  { title: 'Title', cell: ({ titleId }) => titleId },
  { title: 'Device', cell: ({ deviceId }) => <Id of={deviceId} /> },
  { title: 'Edge', cell: ({ edgeId }) => edgeId },
  { title: 'Started', cell: ({ startedAt }) => <When at={startedAt} /> },
  { title: 'Stream', cell: ({ streamId }) => <span className="id quiet">{streamId}</span> },
];

/** The user's running streams and slots. */
export function StreamsSection({ user, reload }: { user: User; reload: () => void }) {
  const mayHelp = useMay('support');
  const { userId, streams, membership } = user;
  return (
    <Section
      title={`Streams (${streams.length} of ${membership.capabilities.maxStreams})`}
      actions={
        mayHelp && (
          <Action
            label="Stop all streams"
            isDisabled={streams.length === 0}
            explanation={`The running streams of ${userId} stop on every device. The user may start new ones, as far as the membership allows.`}
            path={`/v1/users/${segment(userId)}/streams`}
            call={{ method: 'DELETE' }}
            isDangerous
            done={(response) => {
              const { stopped } = response as { stopped: readonly string[] };
              return `${stopped.length} ${stopped.length === 1 ? 'stream was' : 'streams were'} stopped.`;
            }}
            onDone={reload}
          />
        )
      }
    >
      <Table
        caption="Running streams"
        columns={STREAM_COLUMNS}
        rows={streams}
        rowKey={({ streamId }) => streamId}
        none="Nothing is playing."
      />
    </Section>
  );
}
