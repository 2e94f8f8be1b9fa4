import { z } from 'zod';

/** The token of a link, or that of an image and `.gif`. Whatever it is, one that Usher did not make is not found. */
export const trackedToken = z.string().meta({ description: 'As the link has it', examples: ['from-a-mail'] });
