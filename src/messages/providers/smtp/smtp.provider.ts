import { createTransport, type Transporter } from 'nodemailer';
import type { Config } from '../../../platform/config/config.js';
import { isOutage, RESILIENCE_LIMITS } from '../../../platform/sending/resilience.js';
import { DELIVERED, retry, type SendResult } from '../../../platform/sending/send-result.js';
import type { MessageProvider, MessageProviderDefinition, OutgoingMessage } from '../message-provider.js';
import { ConnectionQueue } from './connection-queue.js';
import { smtpErrorResult } from './smtp-result.js';

/** Mail servers take a few connections of one client, and a hundred mails on each of them. */
const POOL = { pool: true, maxConnections: 5, maxMessages: 100 } as const;
/** How long a mail waits for a connection, and how long it may then take. */
const LONGEST_WAIT_MS = 10_000;
const LONGEST_SEND_MS = RESILIENCE_LIMITS.timeoutMs;
/** Shorter than a mail may take, so that a dead connection does not keep its place in the pool. */
const TIMEOUTS = {
  connectionTimeout: 5_000,
  greetingTimeout: 5_000,
  socketTimeout: 9_000,
  dnsTimeout: 5_000,
};
/** What RFC 8058 wants signed, besides what nodemailer signs by itself. */
const SIGNED_HEADERS =
  'From:Subject:Date:Message-ID:To:MIME-Version:Content-Type:List-Unsubscribe:List-Unsubscribe-Post';

/**
 * Sends mails to one SMTP server, over a pool of connections. nodemailer gets no more mails than it has connections: one that waits within it would be sent
 * after we have given it up, and again by the next attempt. How many wait here is bounded by the bulkhead (resilient.provider.ts).
 */
export class SmtpProvider implements MessageProvider {
  private readonly domain: string;
  private readonly connections = new ConnectionQueue(POOL.maxConnections);
  /** Mails to which the server has responded. */
  private responses = 0;

  constructor(
    private readonly transport: Transporter,
    private readonly server: string,
    private readonly from: string,
  ) {
    this.domain = from.replace(/^.*@/, '').replace(/>$/, '');
  }

  upstreamOf(): string {
    return this.server;
  }

  async send(message: OutgoingMessage, signal: AbortSignal): Promise<SendResult> {
    const { responses } = this;
    const waiting = within(LONGEST_WAIT_MS, signal);
    if (!(await this.connections.take(message.tier ?? 'important', waiting))) {
      if (this.connections.isClosed) return retry('closing');
      // A server that is slow is not away.
      return retry(this.responses > responses ? 'busy' : 'deadline');
    }
    try {
      const result = await this.sendMail(message, within(LONGEST_SEND_MS, signal));
      if (!isOutage(result)) this.responses += 1;
      return result;
    } finally {
      this.connections.release();
    }
  }

  stopWaiting(): void {
    this.connections.close();
  }

  private async sendMail(
    { id, to, subject, text, html, unsubscribeUrl }: OutgoingMessage,
    signal: AbortSignal,
  ): Promise<SendResult> {
    try {
      await this.transport.sendMail({
        from: this.from,
        // As an object, it is one address whatever is in it.
        to: { name: '', address: to },
        subject,
        text,
        html,
        messageId: `<${id}@${this.domain}>`,
        headers: unsubscribeUrl === undefined ? {} : unsubscribeHeaders(unsubscribeUrl),
        // Nothing that somebody writes may make this process read a file or fetch a URL.
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      });
      return DELIVERED;
    } catch (error) {
      return smtpErrorResult(error);
    }
  }

  close(): Promise<void> {
    this.transport.close();
    return Promise.resolve();
  }
}

const within = (ms: number, signal: AbortSignal): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(ms)]);

/** RFC 8058: the recipient's mail program shows a button, and sends the POST itself. */
const unsubscribeHeaders = (url: string): Record<string, string> => ({
  'List-Unsubscribe': `<${url}>`,
  'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
});

/** Mails over SMTP. */
export const smtp: MessageProviderDefinition = {
  name: 'smtp',
  channel: 'email',
  statusPath: '/v1/webhooks/messages',
  timeoutMs: LONGEST_WAIT_MS + LONGEST_SEND_MS,
  isConfigured: ({ SMTP_URL, SMTP_FROM }) => SMTP_URL !== undefined && SMTP_FROM !== undefined,
  create(config: Config) {
    const { SMTP_URL, SMTP_FROM } = config;
    if (SMTP_URL === undefined || SMTP_FROM === undefined) return undefined;
    const { SMTP_DKIM_KEY, SMTP_DKIM_DOMAIN, SMTP_DKIM_SELECTOR } = config;
    const transport = createTransport({
      url: SMTP_URL,
      ...POOL,
      ...TIMEOUTS,
      ...(SMTP_DKIM_KEY !== undefined &&
        SMTP_DKIM_DOMAIN !== undefined &&
        SMTP_DKIM_SELECTOR !== undefined && {
          dkim: {
            domainName: SMTP_DKIM_DOMAIN,
            keySelector: SMTP_DKIM_SELECTOR,
            privateKey: SMTP_DKIM_KEY,
            headerFieldNames: SIGNED_HEADERS,
          },
        }),
    });
    return new SmtpProvider(transport as Transporter, new URL(SMTP_URL).host, SMTP_FROM);
  },
};
