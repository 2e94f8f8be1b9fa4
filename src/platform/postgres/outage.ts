import { TimeoutError } from '../scheduling/timeout.js';

/**
 * SQLSTATE: connection exception, insufficient resources, operator intervention (shutdown), query cancelled by its timeout, read only (a
 * standby that is not promoted yet, a disk that is full).
 */
const SQLSTATES = /^(08|53|57P|57014|25006)/;
/** Error codes of Node's network modules and of Prisma. */
const CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'P1001',
  'P1002',
  'P1017',
  'P2024',
]);
/** Errors of the package pg that have no code. */
const MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error/;

/**
 * Returns whether the error means that PostgreSQL cannot serve at the moment, and the same statement may succeed later. False
 * for a statement that is wrong. True for any TimeoutError.
 */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof TimeoutError) return true;
  const code = 'code' in error ? String(error.code) : '';
  return SQLSTATES.test(code) || CODES.has(code) || MESSAGES.test(error.message);
}

/** Returns whether PostgreSQL ended a statement because it took too long (SQLSTATE 57014). */
export const isStatementTimeout = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '57014';
