import type { RetentionRules } from '../../retention/retention-rule.js';

/** The sign-in's clock says when a token was made, PostgreSQL's when it was revoked. */
const MARGIN_DAYS = 1;

/** A revocation is kept until all tokens that it refuses have expired. */
export const revocationRetention: RetentionRules = ({ AUTH_JWT_MAX_DAYS }) => [
  {
    name: 'revocation',
    table: 'revocation',
    orderBy: 'not_before',
    due: 'not_before < now() - $1::interval',
    after: `${AUTH_JWT_MAX_DAYS + MARGIN_DAYS} days`,
  },
];
