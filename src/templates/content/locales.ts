import { canonicalLocale } from '../../platform/canonical-locale.js';

/** Returns the languages whose words are tried for a reader, the best first: `pt-BR`, `pt`, then the default one (RFC 4647, lookup). */
export function fallbackChain(locale: string | null, defaultLocale: string): string[] {
  const chain: string[] = [];
  for (let tag = canonicalLocale(locale ?? ''); tag !== undefined && tag !== ''; tag = parentOf(tag))
    chain.push(tag);
  if (!chain.includes(defaultLocale)) chain.push(defaultLocale);
  return chain;
}

/** A single letter introduces what comes after it, and says nothing alone. */
const parentOf = (tag: string): string => tag.replace(/(?:-[a-z0-9])?-[a-z0-9]+$|^[a-z0-9]+$/i, '');
