import type { IncomingMessage } from 'node:http';

/** Returns the id that was assigned to the request: for problems, the audit and whatever else tells of it. */
export const requestIdOf = (request: IncomingMessage): string => String(request.id);
