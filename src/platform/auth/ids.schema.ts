import { z } from 'zod';

/** 1–64 of the alphabet that CONTRACT §1 gives user ids; the other ids of the apps and back offices use it too. */
const ID = /^[A-Za-z0-9_.:-]{1,64}$/;
const id = (name: string) =>
  z.string().regex(ID, { error: `${name} must be 1 to 64 of A-Z a-z 0-9 _ . : -` });

export const userId = id('userId');
export const deviceId = id('deviceId');
export const profileId = id('profileId');
export const instant = z.iso.datetime({ offset: true });
export const DEFAULT_PROFILE = 'main';
