import type { AddressInfo } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';

/** A mail that came in over SMTP. */
export interface InboxMail {
  readonly kind: 'mail';
  /** Its `Message-ID`, without the angle brackets. */
  readonly id: string;
  readonly to: string;
  readonly from: string;
  /** ISO 8601. */
  readonly at: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
}

/** A mail server on the loopback. */
export interface MailServer {
  /** The value of SMTP_URL. */
  readonly url: string;
  close(): Promise<void>;
}

/** A mail is cut off by most servers above some 25 MB. One of a page is small. */
const MAX_BYTES = 1_048_576;

/** Starts a mail server that takes any mail; calls `onMail` with each. It speaks SMTP as real ones do, without TLS and password. */
export async function startMailServer(onMail: (mail: InboxMail) => void): Promise<MailServer> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: MAX_BYTES,
    onData: (stream, session, callback) => {
      receive(stream, session).then(
        (mails) => {
          for (const mail of mails) onMail(mail);
          callback();
        },
        (error: Error) => callback(error),
      );
    },
  });
  // A connection that breaks is the client's matter.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Returns the mail once for each of its recipients. */
async function receive(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<InboxMail[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const {
    messageId = '',
    from,
    subject = '',
    text = '',
    html,
  } = await PostalMime.parse(Buffer.concat(chunks));
  const content = { subject, text: text.trim(), ...(html !== undefined && { html }) };
  const sender = from?.name ? `${from.name} <${from.address ?? ''}>` : (from?.address ?? '');
  const at = new Date().toISOString();
  return session.envelope.rcptTo.map(({ address: to }) => ({
    kind: 'mail',
    id: messageId.replace(/^<|>$/g, ''),
    to,
    from: sender,
    at,
    ...content,
  }));
}
