// The public API of the package. Everything that is not exported here may change without notice.
export { Edge } from './edge.js';
export type { EdgeOptions } from './options.js';
export { EdgeError, type EdgeErrorCode, LeaseRefused, type LeaseFault } from './errors.js';
export type { Lease } from './lease.js';
export type { EdgeStream, StopReason } from './edge-stream.js';
