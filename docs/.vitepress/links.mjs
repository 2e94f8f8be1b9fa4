/* Links between documents are those of files, as GitHub shows them. On the site they lead to pages. */
import { posix } from 'node:path';
import { pageOf } from './pages.mjs';

/** The anchor of a heading, as GitHub makes it. */
export const slugify = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** A plugin of markdown-it: turns links to documents into links to their pages; a link to another file of the repository becomes its text. */
export function linksToPages(md, project) {
  md.core.ruler.push('links to pages', ({ tokens, env }) => {
    const document = posix.relative(project, env.realPath ?? env.path);
    for (const { children } of tokens) if (children) rewrite(children, posix.dirname(document));
  });
}

function rewrite(tokens, folder) {
  let isFile = false;
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const href = pageLink(token.attrGet('href'), folder);
      isFile = href === undefined;
      if (isFile) Object.assign(token, { type: 'file_open', tag: 'span', attrs: [] });
      else token.attrSet('href', href);
    } else if (token.type === 'link_close' && isFile) {
      Object.assign(token, { type: 'file_close', tag: 'span' });
      isFile = false;
    }
  }
}

/** Returns the link on the site; undefined for one to a file that is no page. */
function pageLink(href, folder) {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const [path, anchor] = href.split('#');
  const page = pageOf(posix.join(folder, path));
  if (page === undefined) return undefined;
  return `/${page.replace(/(index)?\.md$/, '')}${anchor === undefined ? '' : `#${anchor}`}`;
}
