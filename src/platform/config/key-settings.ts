import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseJson } from '../parse-json.js';

/**
 * A setting that is the text itself, or the path of a file that holds it; it is the text when it begins with `beginsWith`. The file is
 * read at boot. `error` replaces the system's message, which would repeat a secret that was mistaken for a path.
 */
export const textOrFile = (beginsWith: string, error: string) =>
  z.string().transform((setting, context) => {
    try {
      if (setting.trimStart().startsWith(beginsWith)) return setting;
      return readFileSync(setting, 'utf8');
    } catch {
      context.addIssue({ code: 'custom', message: error });
      return z.NEVER;
    }
  });

/** A setting that is JSON of this shape, or the path of a file that holds it. `error` is the only message. */
export const jsonOrFile = <T extends z.ZodType>(shape: T, error: string) =>
  textOrFile('{', error).transform((json, context): z.output<T> => {
    const parsed = shape.safeParse(parseJson(json));
    if (parsed.success) return parsed.data;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });

/** The type of a private key in PEM (`ec`, `rsa` …), or undefined when it is not a private key. */
export function privateKeyType(pem: string): string | undefined {
  try {
    return createPrivateKey(pem).asymmetricKeyType;
  } catch {
    return undefined;
  }
}
