import { z } from 'zod';
import { privateKeyType } from '../config/key-settings.js';

const GOOGLE_TOKEN_ENDPOINT = 'https://oauth2.googleapis.com/token';

/** The JSON key of a Google service account, as far as an access token is requested with it. */
export const serviceAccount = z.object({
  client_email: z.string().min(1),
  private_key: z.string().refine((pem) => privateKeyType(pem) === 'rsa'),
  token_uri: z.url({ protocol: /^https?$/ }).default(GOOGLE_TOKEN_ENDPOINT),
});
export type ServiceAccount = z.infer<typeof serviceAccount>;

/** The same with the Firebase project that it belongs to. */
export const firebaseServiceAccount = serviceAccount.extend({ project_id: z.string().min(1) });
export type FirebaseServiceAccount = z.infer<typeof firebaseServiceAccount>;
