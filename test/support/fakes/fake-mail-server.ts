import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** A mail that was accepted. */
export interface ReceivedMail {
  readonly to: string;
  /** Header names in lower case; folded lines are joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly source: string;
}

/** A mail server on the loopback, which speaks SMTP. */
export interface FakeMailServer {
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  /** How many connections it ever accepted. */
  readonly connections: number;
  /** Refuses mails to this address with the code; 0: accepts them again. */
  refuse(address: string, code: number): void;
  /** From now on each mail takes so long. */
  slowDown(ms: number): void;
  close(): Promise<void>;
}

const PASSWORD = 'password of the mail server';

/** Starts one. */
export async function startFakeMailServer(): Promise<FakeMailServer> {
  const mails: ReceivedMail[] = [];
  const refusals = new Map<string, number>();
  let connections = 0;
  let delayMs = 0;
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: false,
    allowInsecureAuth: true,
    onConnect: (_session, callback) => {
      connections += 1;
      callback();
    },
    onAuth: ({ password }, _session, callback) =>
      password === PASSWORD ? callback(null, { user: 'usher' }) : callback(new Error('wrong password')),
    onRcptTo: ({ address }, _session, callback) => {
      const code = refusals.get(address) ?? 0;
      if (code === 0) setTimeout(callback, delayMs);
      else callback(Object.assign(new Error(`no mail for ${address}`), { responseCode: code }));
    },
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const source = Buffer.concat(chunks).toString('utf8');
        for (const { address } of session.envelope.rcptTo)
          mails.push({ to: address, headers: headersOf(source), source });
        callback();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://usher:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
    mails,
    get connections() {
      return connections;
    },
    refuse: (address, code) => void refusals.set(address, code),
    slowDown: (ms) => void (delayMs = ms),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function headersOf(source: string): Record<string, string> {
  const [head = ''] = source.split('\r\n\r\n', 1);
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n');
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
}
