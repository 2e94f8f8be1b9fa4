import { randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import { readFileSync } from 'node:fs';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getMessaging, type Message } from 'firebase-admin/messaging';
import type { FakeFcm } from '../../support/fakes/fake-fcm.js';

/** Sends a message by Google's library to the fake, with the access token that was granted last. Returns the message as the fake received it. */
export async function sendByFirebaseAdmin(
  fcm: FakeFcm,
  message: Message,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { project_id: projectId } = JSON.parse(fcm.environment.FCM_CREDENTIALS ?? '') as {
    project_id: string;
  };
  const httpAgent = agentOf(fcm);
  const credential = {
    getAccessToken: () => Promise.resolve({ access_token: fcm.accessToken, expires_in: 60 }),
  };
  const app = initializeApp({ projectId, credential, httpAgent }, randomUUID());
  await getMessaging(app).send(message);
  await deleteApp(app);
  httpAgent.destroy();
  return fcm.accepted.at(-1)?.message;
}

/** Connects to the fake, whatever host the request names. */
function agentOf({ environment: { FCM_ORIGIN = '', PUSH_CA_FILE = '' } }: FakeFcm): Agent {
  const { hostname, port } = new URL(FCM_ORIGIN);
  const target = { host: hostname, servername: hostname, port: Number(port) };
  const ca = readFileSync(PUSH_CA_FILE);
  class FakesAgent extends Agent {
    override createConnection(
      ...[options, callback]: Parameters<Agent['createConnection']>
    ): ReturnType<Agent['createConnection']> {
      return super.createConnection({ ...options, ...target }, callback);
    }
  }
  return new FakesAgent({ ca });
}
