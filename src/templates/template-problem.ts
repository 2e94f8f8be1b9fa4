import { Problem } from '../platform/http/problem.js';
import type { TemplateFault } from './template.js';

/** Faults that the sentence of a problem names; `faults` has all. */
const NAMED = 3;

/** Returns the problem that tells of faults of a template, or of data for one. `more`: other members of the problem. */
export const templateProblem = (
  code: 'template_invalid' | 'template_data_invalid',
  faults: readonly TemplateFault[],
  more: Readonly<Record<string, unknown>> = {},
): Problem =>
  new Problem(
    code,
    faults
      .slice(0, NAMED)
      .map(({ at, message }) => `${at}: ${message}`)
      .join('; '),
    { ...more, faults },
  );
