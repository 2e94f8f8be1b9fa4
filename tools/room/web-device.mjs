/* The web client as a device of the room, in Node and in a browser: the orders and lines of tools/room/programs.mjs. */
import { connect } from '@usher/client';

/** Returns `{ obey, close }`. `getToken` returns a promise of a token of that user, and `say` gets each line as an object. */
export function createWebDevice({ url, deviceId, isQuiet, getToken, storage, say }) {
  let user;
  let client;

  const signIn = (next) => {
    client?.close();
    user = next;
    const sayOf = (line) => say({ user: next, ...line });
    const own = connect({
      url,
      deviceId,
      platform: 'web',
      ...(storage && { storage }),
      token: () => getToken(next),
    });
    client = own;
    let { connection } = own.state;
    own.on('change', (state) => {
      if (state.connection === connection) return;
      ({ connection } = state);
      sayOf({ connection });
    });
    own.on('refused', ({ code }) => sayOf({ refused: code }));
    own.on('error', (error) => sayOf({ failure: error?.code ?? String(error) }));
    if (!isQuiet) own.on('note', ({ offset, data }) => sayOf({ heard: { offset, n: data.n } }));
  };
  const beat = ({ show, position }) =>
    client
      .beat({ showId: show, positionSeconds: position, durationSeconds: 3_000, state: 'paused' })
      .catch(({ code }) => say({ user, failure: `beat: ${code}` }));
  const report = () => {
    const { connection, position, entries, membership, playback } = client.state;
    say({
      report: {
        user,
        connection,
        position,
        entries: entries.map(({ offset }) => offset),
        membership: membership?.version ?? null,
        playback: playback.map(({ showId, positionSeconds }) => [showId, positionSeconds]),
      },
    });
  };
  const orders = { 'sign-in': (order) => signIn(order.user), beat, report };
  return { obey: (order) => void orders[order.do](order), close: () => client?.close() };
}
