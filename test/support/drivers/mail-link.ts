import PostalMime from 'postal-mime';

/** Follows the first counted link in a mail, as a browser does. `source`: the mail as it was sent. Throws unless the link leads on. */
export async function followLink(usherUrl: string, source: string): Promise<void> {
  const { html = '' } = await PostalMime.parse(source);
  const [, path] = /href="https:\/\/usher\.example\.com(\/t\/[^"]+)"/.exec(html) ?? [];
  if (path === undefined) throw new Error('the mail has no link that is counted');
  const headers = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0' };
  const { status } = await fetch(`${usherUrl}${path}`, { headers, redirect: 'manual' });
  if (status !== 302) throw new Error(`the link leads nowhere: ${status}`);
}
