import { segment } from '../api/api.js';
import type { DescribedRun, RejectedLine } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Id } from '../components/name.js';
import { ErrorNotice, Facts, Loading, Page, Section, When } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { count, dayAndTime } from '../format.js';
import { RunStatus, took } from './runs.js';

const EVERY_MS = 2_000;

const COLUMNS: readonly Column<RejectedLine>[] = [
  { title: 'Line', cell: ({ line }) => count(line), isNumber: true },
  { title: 'Field', cell: ({ path }) => <span className="id">{path || 'the whole line'}</span> },
  { title: 'What is wrong', cell: ({ message }) => message },
  { title: 'Code', cell: ({ code }) => <code>{code}</code> },
];

/** One nightly file, and the lines of it that were rejected. */
export function RunPage({ id }: { id: string }) {
  const { data: run, error } = useApi<DescribedRun>(`/v1/recommendation-runs/${segment(id)}`, EVERY_MS);
  return (
    <Page title={run ? `Nightly file of ${dayAndTime(run.startedAt)}` : 'Nightly file'}>
      {run ? <ErrorNotice error={error} /> : <Loading error={error} />}
      {run && (
        <>
          <Section title="What became of it">
            <Facts
              of={[
                ['Status', <RunStatus status={run.status} />],
                ['Failed', run.error && `${run.error.detail} (${run.error.code})`],
                ['Began', <When at={run.startedAt} />],
                ['Took', took(run)],
                ['Rows', run.counts && count(run.counts.rows)],
                ['New', run.counts && count(run.counts.accepted)],
                ['Unchanged', run.counts && count(run.counts.unchanged)],
                ['Of these in conflict', run.counts && count(run.counts.conflicting)],
                ['Stale', run.counts && count(run.counts.stale)],
                ['Rejected', run.counts && count(run.counts.rejectedCount)],
                ['Wrong lines', run.onInvalid === 'refuse' ? 'refuse the whole file' : 'are skipped'],
                ['By key', <Id of={run.keyId} />],
              ]}
            />
          </Section>
          <Section title="Rejected lines" note="The first hundred.">
            <Table
              caption="Rejected lines"
              columns={COLUMNS}
              rows={run.rejected}
              rowKey={({ line, path, code }) => `${line} ${path} ${code}`}
              none="No line was rejected."
            />
          </Section>
        </>
      )}
    </Page>
  );
}
