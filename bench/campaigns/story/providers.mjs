/* A push provider (FCM's API, over HTTP/2) and a mail server, which take everything and only note what came. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { localhostCertificate } from '../../../tools/localhost-certificate.mjs';

const PROJECT = 'usher-story';
const FCM_PATH = `/v1/projects/${PROJECT}/messages:send`;
const TOKEN = { access_token: 'ya29.of-the-story', expires_in: 3_599, token_type: 'Bearer' };

/**
 * Starts both; `folder`: for the certificate. `onPush({ to, type, eventId, collapseId })` and `onMail({ to, messageId, html, unsubscribe })` are called for each that
 * comes. Returns `{ settings, close }`: settings of Usher.
 */
export async function startProviders(folder, { onPush, onMail }) {
  const push = await startPushProvider(folder, onPush);
  const mail = await startMailServer(onMail);
  return {
    settings: { ...push.settings, ...mail.settings },
    async close() {
      await push.close();
      await mail.close();
    },
  };
}

async function startPushProvider(folder, onPush) {
  const tls = await localhostCertificate(folder);
  const connections = new Set();
  const server = createSecureServer({ ...tls, allowHTTP1: true }, (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/token') return reply(response, TOKEN);
      if (request.url !== FCM_PATH) return response.writeHead(404).end();
      const { token: to, data } = JSON.parse(Buffer.concat(chunks).toString()).message;
      onPush({ to, type: data.type, eventId: data.id, collapseId: data.collapseId });
      return reply(response, { name: `projects/${PROJECT}/messages/1` });
    });
  });
  server.on('secureConnection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `https://localhost:${server.address().port}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const account = {
    type: 'service_account',
    project_id: PROJECT,
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: `usher@${PROJECT}.iam.gserviceaccount.com`,
    token_uri: `${origin}/token`,
  };
  return {
    settings: { FCM_CREDENTIALS: JSON.stringify(account), FCM_ORIGIN: origin, PUSH_CA_FILE: tls.file },
    close() {
      for (const socket of connections) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function reply(response, json) {
  response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' });
  response.end(JSON.stringify(json));
}

async function startMailServer(onMail) {
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    authOptional: true,
    onData(stream, { envelope }, callback) {
      const chunks = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', () => {
        // Noted before the sender learns that it was taken.
        read(Buffer.concat(chunks)).then((mail) => {
          for (const { address } of envelope.rcptTo) onMail({ to: address, ...mail });
          callback();
        }, callback);
      });
    },
  });
  // A worker that is killed leaves its connection.
  server.on('error', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    settings: {
      SMTP_URL: `smtp://127.0.0.1:${server.server.address().port}`,
      SMTP_FROM: 'Usher <no-reply@usher.example.com>',
      SMTP_PER_MINUTE: '10000000',
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

async function read(source) {
  const { messageId, html = '', headers } = await PostalMime.parse(source);
  const header = headers.find(({ key }) => key === 'list-unsubscribe')?.value ?? '';
  return { messageId: messageId.slice(1, -1), html, unsubscribe: header.replaceAll(/[<>\s]/g, '') };
}
