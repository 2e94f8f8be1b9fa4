import { type ReactNode, useCallback, useEffect, useState } from 'react';
import { ApiError, call } from './api/api.js';
import { CurrentPerson, type SessionResponse } from './api/session.js';
import { SignedOut } from './api/signed-out.js';
import { FailureBoundary } from './components/failure.js';
import { ErrorNotice, Page } from './components/parts.js';
import { AuditPage } from './pages/audit.js';
import { CampaignPage } from './pages/campaign.js';
import { CampaignsPage } from './pages/campaigns.js';
import { CompareCampaignsPage } from './pages/compare-campaigns.js';
import { EdgesPage } from './pages/edges.js';
import { EngagementPage } from './pages/engagement.js';
import { EventPage } from './pages/event.js';
import { FindPage } from './pages/find.js';
import { KeysPage } from './pages/keys.js';
import { LiveEngagementPage } from './pages/live-engagement.js';
import { OverviewPage } from './pages/overview.js';
import { NewPlanPage, PlanPage } from './pages/plan.js';
import { PlansPage } from './pages/plans.js';
import { PushPage } from './pages/push.js';
import { RunPage } from './pages/run.js';
import { RunsPage } from './pages/runs.js';
import { SignInPage } from './pages/sign-in.js';
import { UserPage } from './pages/user.js';
import { WebhookPage } from './pages/webhook.js';
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
  useEffect(() => {
    window.addEventListener('hashchange', openAnotherLink);
    return () => window.removeEventListener('hashchange', openAnotherLink);
  }, []);

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
        <FailureBoundary>
          <CurrentPage />
        </FailureBoundary>
      </CurrentPerson>
    </SignedOut>
  );
}

function CurrentPage() {
  const { parts } = usePlace();
  return <Shell current={parts[0] ?? ''}>{pageOf(parts)}</Shell>;
}

function pageOf([first = '', second, third, fourth]: readonly string[]): ReactNode {
  if (first === 'users' && second !== undefined) {
    if (third === 'events' && fourth !== undefined)
      return <EventPage key={fourth} userId={second} eventId={fourth} />;
    return <UserPage key={second} userId={second} />;
  }
  if (first === 'webhooks' && second !== undefined && third !== undefined)
    return <WebhookPage key={third} processor={second} eventId={third} />;
  if (first === 'plans' && second !== undefined) return <PlanPage key={second} planId={second} />;
  if (first === 'campaigns' && second !== undefined) return <CampaignPage key={second} name={second} />;
  if (first === 'engagement' && second !== undefined) return ENGAGEMENT_PAGES[second] ?? NOT_FOUND;
  if (first === 'nightly' && second !== undefined) return <RunPage key={second} id={second} />;
  return PAGES[first] ?? NOT_FOUND;
}

const PAGES: Record<string, ReactNode> = {
  '': <OverviewPage />,
  find: <FindPage />,
  webhooks: <WebhooksPage />,
  plans: <PlansPage />,
  'new-plan': <NewPlanPage />,
  engagement: <EngagementPage />,
  push: <PushPage />,
  campaigns: <CampaignsPage />,
  nightly: <RunsPage />,
  edges: <EdgesPage />,
  keys: <KeysPage />,
  audit: <AuditPage />,
};

const ENGAGEMENT_PAGES: Record<string, ReactNode> = {
  live: <LiveEngagementPage />,
  compare: <CompareCampaignsPage />,
};

const NOT_FOUND = (
  <Page title="Not found">
    <p>There is no such page.</p>
  </Page>
);

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
  const token = tokenInAddress();
  const refused = new URLSearchParams(window.location.search).get('refused') ?? undefined;
  if (token === '' && refused === undefined) return undefined;
  window.history.replaceState(null, '', window.location.pathname);
  if (token === '') return refused;
  return call('/console/session', { method: 'POST', body: { token } }).then(
    () => undefined,
    () => 'link',
  );
}

/** Returns the token of a one-time link; empty without one. `#content` is where the way past the navigation leads. */
function tokenInAddress(): string {
  const token = window.location.hash.slice(1);
  return token === 'content' ? '' : token;
}

/** Whoever pastes a link where the console is open changes no more than the fragment, and the browser loads nothing. */
function openAnotherLink(): void {
  if (tokenInAddress() !== '') window.location.reload();
}
