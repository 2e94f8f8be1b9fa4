import { useCallback, useEffect, useState } from 'react';
import { ApiError, call } from './api/api.js';
import { CurrentPerson, type SessionResponse } from './api/session.js';
import { SignedOut } from './api/signed-out.js';
import { ErrorNotice, Page } from './components/parts.js';
import { FindPage } from './pages/find.js';
import { OverviewPage } from './pages/overview.js';
import { PushPage } from './pages/push.js';
import { SignInPage } from './pages/sign-in.js';
import { UserPage } from './pages/user.js';
import { WebhooksPage } from './pages/webhooks.js';
import { usePlace } from './router.js';
import { Shell } from './shell.js';

/** The console: the page of the present place, or the sign-in. */
export function App() {
  const [session, setSession] = useState<SessionResponse>();
  const [refusal, setRefusal] = useState<string>();
  const [error, setError] = useState<ApiError>();
  const load = useCallback(async () => {
    try {
      setRefusal(await redeemLink());
      setSession(await call<SessionResponse>('/console/session'));
    } catch (failure) {
      setError(failure instanceof ApiError ? failure : new ApiError(0, 'internal', String(failure)));
    }
  }, []);
  useEffect(() => void load(), [load]);

  const signedOut = useCallback(
    () => setSession((before) => ({ person: null, signIn: before?.signIn ?? 'oidc' })),
    [],
  );
  if (error) return <ErrorNotice error={error} />;
  if (!session) return null;
  if (!session.person) return <SignInPage way={session.signIn} refusal={refusal} />;
  return (
    <SignedOut value={signedOut}>
      <CurrentPerson value={session.person}>
        <CurrentPage />
      </CurrentPerson>
    </SignedOut>
  );
}

function CurrentPage() {
  const { parts } = usePlace();
  const [first = '', second] = parts;
  return <Shell current={first}>{pageOf(first, second)}</Shell>;
}

function pageOf(first: string, second: string | undefined) {
  if (first === '') return <OverviewPage />;
  if (first === 'find') return <FindPage />;
  if (first === 'users' && second !== undefined) return <UserPage key={second} userId={second} />;
  if (first === 'webhooks') return <WebhooksPage />;
  if (first === 'push') return <PushPage />;
  return (
    <Page title="Not found">
      <p>There is no such page.</p>
    </Page>
  );
}

let redeeming: Promise<string | undefined> | undefined;

/**
 * Signs in by the token in the address if there is one, once. Returns why nobody was signed in. The token is removed from the address
 * first, so that it is in no history.
 */
function redeemLink(): Promise<string | undefined> {
  redeeming ??= redeem();
  return redeeming;
}

async function redeem(): Promise<string | undefined> {
  const token = window.location.hash.slice(1);
  const refused = new URLSearchParams(window.location.search).get('refused') ?? undefined;
  if (token === 'content' || (token === '' && refused === undefined)) return undefined;
  window.history.replaceState(null, '', window.location.pathname);
  if (token === '') return refused;
  return call('/console/session', { method: 'POST', body: { token } }).then(
    () => undefined,
    () => 'link',
  );
}
