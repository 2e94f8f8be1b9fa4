import { explainProblems, type ExplainedProblem } from './problem-guide.js';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes text for HTML, and shows what stands between backticks as code. */
const toHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '').replace(/`([^`]+)`/g, '<code>$1</code>');

const section = ({ code, status, title, retryable, when, remedy }: ExplainedProblem): string => `
<section id="${code}">
  <h2><a href="#${code}">${code}</a></h2>
  <p><strong>${status}</strong> ${toHtml(title)}. ${retryable ? 'The same request may succeed later.' : 'The same request will not succeed later.'}</p>
  <p>${toHtml(when)}</p>
  <p>${toHtml(remedy)}</p>
</section>`;

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c; background: #fff; }
  h2 { font: 600 1.1rem ui-monospace, monospace; margin: 2rem 0 0; } h2 a { color: inherit; text-decoration: none; }
  p { margin: 0.4rem 0; } code { background: #f0f0f0; padding: 0 0.2em; } section:target { outline: 2px solid #2b6cb0; outline-offset: 0.5rem; }
  @media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #161616; } code { background: #2a2a2a; } }`;

/** Returns the page that the `type` of an error leads to, with a section for each code. It loads nothing and runs nothing. */
export const errorsPage = (): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Usher: errors</title>
<style>${STYLE}
</style>
<h1>Errors</h1>
<p>Errors are <code>application/problem+json</code> (RFC 9457). <code>code</code> is stable, <code>detail</code> is for people, and
<code>requestId</code> is how the log knows the request. The calls are described in <a href="api">the API documentation</a>.</p>
${explainProblems().map(section).join('\n')}
</html>
`;
