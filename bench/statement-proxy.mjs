import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** The first message of a connection has no type, only a length. */
const STARTUP = '';
const QUERY = 'Q';
const BIND = 'B';
const SYNC = 'S';
/** Small messages that follow each other would wait 40 ms for the other side's delayed acknowledgement (Nagle). */
const WITHOUT_DELAY = { noDelay: true };

/**
 * A TCP proxy between workers and PostgreSQL. It reads what they send message by message, and kills one at a statement of its work: before PostgreSQL
 * gets the statement, or when it has got it and the worker does not know what became of it.
 */
export class StatementProxy {
  #server;
  #target;
  #armed;
  #begins;
  #seen = new Map();

  constructor(server, target, begins) {
    this.#server = server;
    this.#begins = new Set(begins);
    this.#target = target;
    server.on('connection', (near) => this.#forward(near));
  }

  /** `begins`: the statements with which a transaction of the work begins. */
  static async start(databaseUrl, begins) {
    const server = createServer(WITHOUT_DELAY);
    const proxy = new StatementProxy(server, new URL(databaseUrl), begins);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** What a worker has for DATABASE_URL. */
  get url() {
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String(this.#server.address().port);
    return url.href;
  }

  /** Calls `kill` at the `nth` statement (from 1) of the work from now on. `moment`: `before` or `after` PostgreSQL has it. Resolves with its name. */
  killAt(nth, moment, kill) {
    return new Promise((resolve) => {
      this.#armed = { remaining: nth, moment, kill, resolve };
    });
  }

  /** How often this statement was sent. */
  seen(name) {
    return this.#seen.get(name) ?? 0;
  }

  /** Nobody is killed any more. */
  disarm() {
    this.#armed = undefined;
  }

  close() {
    this.#server.close();
  }

  #forward(near) {
    const { hostname: host, port } = this.#target;
    const far = connect({ host, port: Number(port), ...WITHOUT_DELAY });
    const messages = new MessageReader();
    const connection = { isOfWork: false, isOver: false, killAfterSync: undefined };
    near.on('data', (bytes) => {
      for (const message of messages.read(bytes))
        if (!connection.isOver) this.#pass(message, connection, far);
    });
    far.on('data', (bytes) => near.write(bytes));
    near.on('error', () => {}).on('close', () => far.end());
    far.on('error', () => {}).on('close', () => near.destroy());
  }

  #pass(message, connection, far) {
    const killed = this.#killedBy(message, connection);
    if (killed?.moment === 'before') return this.#kill(killed, connection);
    far.write(message.bytes);
    if (killed) connection.killAfterSync = killed;
    // A query of one message, or the last message of a prepared statement.
    if (connection.killAfterSync && (message.type === QUERY || message.type === SYNC))
      this.#kill(connection.killAfterSync, connection);
  }

  #kill({ kill, resolve, name, moment }, connection) {
    connection.isOver = true;
    kill();
    resolve(`${moment} ${name}`);
  }

  /** Returns what is armed, with the statement's name, if this message is the statement that it waits for. */
  #killedBy({ type, bytes }, connection) {
    const name = type === BIND ? boundStatement(bytes) : type === QUERY ? textOf(bytes) : undefined;
    if (name === undefined) return undefined;
    if (type === BIND) this.#seen.set(name, this.seen(name) + 1);
    if (this.#begins.has(name)) connection.isOfWork = true;
    if (!connection.isOfWork) return undefined;
    if (type === QUERY) connection.isOfWork = false; // COMMIT or ROLLBACK
    const armed = this.#armed;
    if (!armed) return undefined;
    armed.remaining -= 1;
    if (armed.remaining > 0) return undefined;
    this.#armed = undefined;
    return { ...armed, name };
  }
}

/** Cuts what PostgreSQL's frontend sends (protocol 3) into messages. */
class MessageReader {
  #rest = Buffer.alloc(0);
  #isStarted = false;

  /** Returns the messages that are complete by now: [{ type, bytes }]. */
  read(bytes) {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const messages = [];
    for (;;) {
      const typeBytes = this.#isStarted ? 1 : 0;
      if (this.#rest.length < typeBytes + 4) return messages;
      const length = typeBytes + this.#rest.readInt32BE(typeBytes);
      if (this.#rest.length < length) return messages;
      const message = this.#rest.subarray(0, length);
      messages.push({
        type: typeBytes === 0 ? STARTUP : String.fromCharCode(message[0]),
        bytes: message,
      });
      this.#isStarted = true;
      this.#rest = this.#rest.subarray(length);
    }
  }
}

/** The statement that a Bind names, without the hash of its text, or `unnamed`: the portal's name comes first, then the statement's. */
function boundStatement(bytes) {
  const start = bytes.indexOf(0, 5) + 1;
  return bytes.toString('utf8', start, bytes.indexOf(0, start)).replace(/:.*/, '') || 'unnamed';
}

const textOf = (bytes) => bytes.toString('utf8', 5, bytes.length - 1);
