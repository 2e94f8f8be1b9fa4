import type { NextFunction, Request, Response } from 'express';
import type { Config } from '../config/config.js';
import { Problem } from './problem.js';

type Roles = Config['ROLES'];

/** For whoever runs the node. */
const ALWAYS = new Set(['/health/live', '/health/ready', '/metrics']);
/** Lines of devices. (Sockets do not come this way: Socket.IO takes its own path first.) */
const OF_GATEWAYS = new Set(['/v1/me/events']);

/**
 * Whether a node with these roles answers this path. The calls of apps and back offices are for `api` nodes alone: a flood
 * of them, or one that takes long, must not share an event loop with the sockets.
 */
export const roleServes = (roles: Roles, path: string): boolean =>
  roles.includes('api') ||
  ALWAYS.has(path) ||
  (roles.includes('gateway') && OF_GATEWAYS.has(path.replace(/\/$/, '')));

/** Refuses what another node answers, before a byte of the body is read. */
export const rejectOtherRoles =
  (roles: Roles) => (request: Request, _response: Response, next: NextFunction) =>
    next(roleServes(roles, request.path) ? undefined : new Problem('misdirected'));
