import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits: the secret of a session, of a sign-in under way, or of a one-time link. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** Returns whether the text has the form of such a secret. */
export const isSecret = (text: string): boolean => /^[A-Za-z0-9_-]{43}$/.test(text);

/** What is stored instead of the secret. A slow password hash is not needed: 256 random bits cannot be guessed. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
