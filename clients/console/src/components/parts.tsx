import { type ReactNode, useEffect, useId, useRef } from 'react';
import type { ApiError } from '../api/api.js';
import { ago, dayAndTime } from '../format.js';
import { useTitle } from '../router.js';
import { Name } from './name.js';
import { useNow } from './now.js';

/** How something is: decides its colour. */
export type Tone = 'good' | 'warn' | 'bad' | 'quiet';

/** A page: its heading takes the focus when the page is opened, so that keyboards and screen readers begin there. */
export function Page({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useTitle(title);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [title]);
  return (
    <>
      <header className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          <Name of={title} />
        </h1>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

/** A part of a page with a heading. */
export function Section({
  title,
  note,
  actions,
  children,
}: {
  title: string;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="card">
      <header className="section-head">
        <h2 id={id}>{title}</h2>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {note && <p className="note">{note}</p>}
      {children}
    </section>
  );
}

/** A word for how something is. */
export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}

/** A moment, as how long ago it is; the exact time is its title. */
export function When({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (at === null || at === undefined) return <Nothing />;
  return (
    <time dateTime={at} title={dayAndTime(at)}>
      {ago(at, now)}
    </time>
  );
}

/** Where there is no value. */
export const Nothing = () => (
  <span className="quiet">
    <span aria-hidden="true">–</span>
    <span className="sr-only">none</span>
  </span>
);

/** Names and values. */
export function Facts({ of }: { of: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? <Nothing />}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Why something cannot be shown or done. */
export function ErrorNotice({ error }: { error: ApiError | undefined }) {
  if (!error) return null;
  const explanation =
    error.code === 'forbidden'
      ? 'Your role does not allow this. Ask whoever gives roles for a higher one.'
      : error.message;
  return (
    <p className="notice bad" role="alert">
      {explanation} <code>{error.code}</code>
      {error.requestId && (
        <>
          {' '}
          · request <code>{error.requestId}</code>
        </>
      )}
    </p>
  );
}

/** What is shown until the first read has ended. */
export function Loading({ error }: { error?: ApiError | undefined }) {
  return error ? <ErrorNotice error={error} /> : <p className="quiet loading">Loading …</p>;
}
