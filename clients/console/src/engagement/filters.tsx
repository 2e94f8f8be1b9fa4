import { type FormEvent, useId, useState } from 'react';
import { Field } from '../components/field.js';
import { replaceQuery, usePlace } from '../router.js';
import { WINDOWS } from './question.js';

/** Buttons for how far to look back; the choice is in the address. */
export function WindowButtons({ current }: { current: string }) {
  const { query } = usePlace();
  return (
    <nav aria-label="Time" className="tabs">
      {WINDOWS.map(({ id, title }) => (
        <button
          key={id}
          type="button"
          aria-pressed={id === current}
          onClick={() => replaceQuery(withValues(query, { window: id }))}
        >
          {title}
        </button>
      ))}
    </nav>
  );
}

/** Fields whose values are in the address, so that a page can be sent to somebody. */
export function FilterForm({ fields }: { fields: readonly (readonly [name: string, label: string])[] }) {
  const { query } = usePlace();
  const [values, setValues] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(fields.map(([name]) => [name, query.get(name) ?? ''])),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    replaceQuery(withValues(query, values));
  };
  return (
    <form className="filters" onSubmit={submit}>
      {fields.map(([name, label]) => (
        <Field
          key={name}
          label={label}
          value={values[name] ?? ''}
          onChange={(value) => setValues((before) => ({ ...before, [name]: value.trim() }))}
        />
      ))}
      <button type="submit">Show</button>
    </form>
  );
}

/** A choice whose value is in the address. */
export function Choice({
  name,
  label,
  options,
  value,
}: {
  name: string;
  label: string;
  options: readonly string[];
  value: string;
}) {
  const id = useId();
  const { query } = usePlace();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => replaceQuery(withValues(query, { [name]: event.target.value }))}
      >
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </div>
  );
}

function withValues(query: URLSearchParams, values: Readonly<Record<string, string>>): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) {
    if (value === '') next.delete(name);
    else next.set(name, value);
  }
  return next;
}
