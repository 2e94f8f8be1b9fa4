import type { NextFunction, Request, Response } from 'express';
import type { Config } from '../config/config.js';
import { Problem } from './problem.js';

type Roles = Config['ROLES'];

/** Operators need these on every node. */
const EVERY_ROLE = new Set(['/health/live', '/health/ready', '/metrics']);
/** Event streams of devices. (Socket.IO handles its own path before this middleware.) */
const GATEWAY = new Set(['/v1/me/events']);

/**
 * Whether a node with these roles serves the path. Calls of apps and back offices are served by `api` nodes alone: many of
 * them, or slow ones, must not share an event loop with the devices' connections.
 */
export const roleServes = (roles: Roles, path: string): boolean =>
  roles.includes('api') || EVERY_ROLE.has(path) || (roles.includes('gateway') && GATEWAY.has(path));

/** Returns the middleware that refuses paths of other roles with `misdirected`, before the body is read. */
export const rejectOtherRoles =
  (roles: Roles) => (request: Request, _response: Response, next: NextFunction) =>
    next(roleServes(roles, request.path) ? undefined : new Problem('misdirected'));
