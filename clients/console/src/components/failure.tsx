import { Component, type ReactNode } from 'react';
import { Page } from './parts.js';

/** Shows that a page has failed, in its place. Without it React leaves nothing at all. */
export class FailureBoundary extends Component<{ readonly children: ReactNode }> {
  override readonly state: { readonly error?: Error } = {};

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <main>
        <Page title="This page has failed">
          <p className="notice bad" role="alert">
            It is a fault of the console: <code>{error.message}</code>
          </p>
          <p>
            <a href={window.location.href}>Load it again</a>, or go to the <a href="/console/">overview</a>.
          </p>
        </Page>
      </main>
    );
  }
}
