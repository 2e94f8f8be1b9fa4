/** Returns the tag as it is usually written (`pt-BR` for `pt-br`); undefined for one that is none. */
export function canonicalLocale(locale: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(locale)[0];
  } catch {
    return undefined;
  }
}
