import { type ReactNode, type RefObject, useContext, useEffect, useRef } from 'react';
import { call } from './api/api.js';
import { CurrentPerson } from './api/session.js';
import { useSignedOut } from './api/signed-out.js';
import { FindForm } from './pages/find.js';
import { Link } from './router.js';

const PLACES = [
  ['', 'Overview'],
  ['find', 'Find'],
  ['webhooks', 'Webhooks'],
  ['plans', 'Plans'],
  ['engagement', 'Engagement'],
  ['push', 'Push'],
  ['campaigns', 'Campaigns'],
  ['nightly', 'Nightly'],
  ['edges', 'Edge nodes'],
  ['keys', 'Keys'],
  ['audit', 'Audit'],
] as const;

const FIND = 'find-in-head';

/** The head, the navigation and the person, around every page. */
export function Shell({ current, children }: { current: string; children: ReactNode }) {
  useFindKey();
  const pages = useRef<HTMLElement>(null);
  useCurrentInView(pages, current);
  return (
    <>
      <a className="skip" href="#content">
        To the content
      </a>
      <header className="top">
        <p className="brand">
          <Link to="/">Usher</Link>
        </p>
        {current !== 'find' && <FindForm id={FIND} />}
        <PersonMenu />
      </header>
      <div className="body">
        <nav aria-label="Pages" className="pages" ref={pages}>
          <ul>
            {PLACES.map(([path, title]) => (
              <li key={path}>
                <Link to={`/${path}`} aria-current={current === path ? 'page' : undefined}>
                  {title}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <main id="content" tabIndex={-1}>
          {children}
        </main>
      </div>
    </>
  );
}

function PersonMenu() {
  const { name, role } = useContext(CurrentPerson);
  const signedOut = useSignedOut();
  const signOut = () => void call('/console/session', { method: 'DELETE' }).then(signedOut, signedOut);
  return (
    <div className="person">
      <span>
        {name} <span className="quiet">{role}</span>
      </span>
      <button type="button" onClick={signOut}>
        Sign out
      </button>
    </div>
  );
}

/** On a phone the pages are one line, which is wider than the screen. */
function useCurrentInView(pages: RefObject<HTMLElement | null>, current: string): void {
  useEffect(() => {
    // Not in one expression: what a browser returns here, as a promise, React would take for the way to end the effect.
    pages.current
      ?.querySelector('[aria-current="page"]')
      ?.scrollIntoView({ inline: 'center', block: 'nearest' });
  }, [pages, current]);
}

/** `/` goes to the field that finds, as in many places; not while somebody writes. */
function useFindKey(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const writes =
        event.target instanceof Element && event.target.closest('input, textarea, select, dialog');
      if (event.key !== '/' || writes || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      (document.getElementById(FIND) ?? document.getElementById('find'))?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}
