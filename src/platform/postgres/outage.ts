import { DeadlineExceeded } from '../scheduling/timeout.js';

/** SQLSTATE classes that mean "PostgreSQL cannot at the moment": connection lost, out of resources, shutting down, deadline passed. */
const OUTAGE = /^(08|53|57P|57014)/;
const NETWORK = new Set([
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
const SAID =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error/;

/** Whether the error says that PostgreSQL is away, rather than that the statement is wrong. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof DeadlineExceeded) return true;
  const code = 'code' in error ? String(error.code) : '';
  return OUTAGE.test(code) || NETWORK.has(code) || SAID.test(error.message);
}
