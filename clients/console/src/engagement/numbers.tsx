import { Section } from '../components/parts.js';
import { type Column, Table } from '../components/table.js';
import { count } from '../format.js';
import { type Numbers, toCsv } from './csv.js';

type Row = Numbers['rows'][number];

/** The numbers of a chart, as a table and as a file. */
export function NumbersSection({ title, numbers, file }: { title: string; numbers: Numbers; file: string }) {
  const columns: Column<Row>[] = numbers.columns.map((name, n) => ({
    title: name,
    cell: (row) => (n === 0 ? row[0] : count(Number(row[n] ?? 0))),
    isNumber: n > 0,
  }));
  return (
    <Section
      title={title}
      actions={
        <button type="button" onClick={() => save(file, toCsv(numbers))}>
          Save as CSV
        </button>
      }
    >
      <div className="number-rows" tabIndex={0} role="group" aria-label={`${title}: all rows`}>
        <Table
          caption={title}
          columns={columns}
          rows={numbers.rows}
          rowKey={(row) => row[0]}
          none="Nothing was done in this time."
        />
      </div>
    </Section>
  );
}

function save(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
