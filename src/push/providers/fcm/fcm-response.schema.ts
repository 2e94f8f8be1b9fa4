import { z } from 'zod';

/** An error of FCM's v1 API, as far as it says what to do. Whatever else it holds is not looked at. */
const body = z.object({
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

export interface FcmError {
  readonly code: string | undefined;
  /** The fields that it finds wrong: `message.token`. */
  readonly fields: readonly string[];
}

/** Reads an error's body, which may be anything: a proxy on the way may have written it. */
export function fcmErrorOf(given: unknown): FcmError {
  const parsed = body.safeParse(given);
  if (!parsed.success) return { code: undefined, fields: [] };
  const { status, details = [] } = parsed.data.error;
  return {
    code: details.find(({ errorCode }) => errorCode !== undefined)?.errorCode ?? status,
    fields: details.flatMap(({ fieldViolations = [] }) => fieldViolations.map(({ field = '' }) => field)),
  };
}
