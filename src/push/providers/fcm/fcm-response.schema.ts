import { z } from 'zod';

/** An error of FCM's v1 API: only the fields that decide what to do. */
const errorBody = z.object({
  error: z.object({
    status: z.string().optional().catch(undefined),
    details: z
      .array(
        z.object({
          errorCode: z.string().optional().catch(undefined),
          fieldViolations: z
            .array(z.object({ field: z.string().optional().catch(undefined) }))
            .optional()
            .catch(undefined),
        }),
      )
      .optional()
      .catch(undefined),
  }),
});

/** What an error body of FCM contains. */
export interface FcmError {
  readonly code: string | undefined;
  /** The fields at fault, as `message.token`. */
  readonly fields: readonly string[];
}

/** Parses an error's body, which may be anything: a proxy on the way may have written it. */
export function parseFcmError(body: unknown): FcmError {
  const parsed = errorBody.safeParse(body);
  if (!parsed.success) return { code: undefined, fields: [] };
  const { status, details = [] } = parsed.data.error;
  return {
    code: details.find(({ errorCode }) => errorCode !== undefined)?.errorCode ?? status,
    fields: details.flatMap(({ fieldViolations = [] }) => fieldViolations.map(({ field = '' }) => field)),
  };
}
