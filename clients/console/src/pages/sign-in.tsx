import { useTitle } from '../router.js';

const REFUSALS: Record<string, string> = {
  no_role: 'You are in no group that may use this console. Ask whoever gives roles.',
  expired: 'That took too long, or was begun in another window. Sign in again.',
  failed: 'The sign-in failed. Try again; if it fails again, the log of Usher says why.',
  link: 'This link was used before, or is too old.',
};

/** What is shown without a session. */
export function SignInPage({ way, refusal }: { way: 'oidc' | 'link'; refusal: string | undefined }) {
  useTitle('Sign in');
  return (
    <main className="sign-in">
      <h1>Usher console</h1>
      {refusal !== undefined && (
        <p className="notice bad" role="alert">
          {REFUSALS[refusal] ?? 'The sign-in failed.'}
        </p>
      )}
      {way === 'oidc' ? (
        <a className="button primary" href="/console/sign-in/oidc">
          Sign in
        </a>
      ) : (
        <p>
          Open the link that <code>npm start</code> printed. It works once, within 15 minutes.{' '}
          <a href="/docs/guides/console#signing-in">How to get another one</a>
        </p>
      )}
    </main>
  );
}
