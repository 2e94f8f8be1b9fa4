import { type FormEvent, useEffect, useState } from 'react';
import { segment } from '../api/api.js';
import type { SearchResult } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { Id } from '../components/name.js';
import { ErrorNotice, Loading, Page } from '../components/parts.js';
import { Link, navigate, usePlace } from '../router.js';

/** Finds what has an id that somebody pasted. */
export function FindPage() {
  const text = usePlace().query.get('q') ?? '';
  const { data, error } = useApi<{ readonly results: readonly SearchResult[] }>(
    text === '' ? undefined : `/v1/search?${String(new URLSearchParams({ q: text }))}`,
  );
  const only = data?.results.length === 1 ? data.results[0] : undefined;
  useEffect(() => {
    if (only) navigate(placeOf(only), 'replace');
  }, [only]);
  return (
    <Page title="Find">
      <FindForm key={text} id="find" text={text} />
      <p className="note">
        The id of a user, a device, an event, a stream, a webhook, a customer, a subscription, a plan, a price
        or a key. Press / anywhere to find something.
      </p>
      {data ? <ErrorNotice error={error} /> : text !== '' && <Loading error={error} />}
      {data && !only && <Results of={data.results} text={text} />}
    </Page>
  );
}

function Results({ of: results, text }: { of: readonly SearchResult[]; text: string }) {
  return (
    <div className="card" role="status">
      {results.length === 0 ? (
        <p>
          Nothing has the id <Id of={text} />. Devices and events are found on the page of their user.
        </p>
      ) : (
        <ul className="results">
          {results.map((result) => (
            <li key={result.url}>
              <span className="quiet">{result.kind}</span> <Link to={placeOf(result)}>{result.id}</Link>{' '}
              {result.userId !== undefined && result.kind !== 'user' && (
                <span className="quiet">of {result.userId}</span>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Where the console shows it. */
function placeOf({ kind, id, userId, url }: SearchResult): string {
  if (kind === 'user') return `/users/${segment(id)}`;
  if (kind === 'plan') return `/plans/${segment(id)}`;
  if (kind === 'key') return '/keys';
  if ((kind === 'event' && userId !== undefined) || kind === 'webhook') return url.replace(/^\/v1/, '');
  return userId === undefined ? '/find' : `/users/${segment(userId)}`;
}

/** The field, also in the head of every page. */
export function FindForm({ id, text: given = '' }: { id: string; text?: string }) {
  const [text, setText] = useState(given);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = text.trim();
    if (wanted === '') return;
    navigate(`/find?${String(new URLSearchParams({ q: wanted }))}`);
  };
  return (
    <form role="search" className="find" onSubmit={submit}>
      <label htmlFor={id} className="sr-only">
        Id
      </label>
      <input
        id={id}
        type="search"
        value={text}
        placeholder="Any id"
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit">Find</button>
    </form>
  );
}
