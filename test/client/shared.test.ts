import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connectShared, type SharedOptions, type UsherClient } from '../../clients/web/src/index.js';
import { createNote, createToken, FakeServer } from './fake-server.js';
import { deferred, eventually, MemoryStorage } from './test-client.js';

/** Web Locks of one browser, which Node does not have: a name is held by one at a time, in the order of the requests. */
class FakeLocks {
  isForbidden = false;
  private readonly tails = new Map<string, Promise<unknown>>();

  request(name: string, { signal }: { signal: AbortSignal }, hold: () => Promise<void>): Promise<unknown> {
    if (this.isForbidden) return Promise.reject(new DOMException('not here', 'SecurityError'));
    const before = this.tails.get(name) ?? Promise.resolve();
    const held = before.then(() => (signal.aborted ? undefined : hold()));
    this.tails.set(name, held);
    return held;
  }
}

const beat = { showId: 'dark', positionSeconds: 60, durationSeconds: 3_000, state: 'playing' as const };

describe('connectShared', () => {
  let server: FakeServer;
  let locks: FakeLocks;
  let storage: MemoryStorage;
  let tabs: UsherClient[];
  beforeEach(async () => {
    [locks, storage, tabs] = [new FakeLocks(), new MemoryStorage(), []];
    Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
    server = await FakeServer.start();
  });
  afterEach(async () => {
    for (const tab of tabs) tab.close();
    Reflect.deleteProperty(globalThis, 'navigator');
    await server.close();
  });

  const openTab = (options: Partial<SharedOptions> = {}) => {
    const token = () => createToken('ann');
    const common = { url: server.url, token, userId: 'ann', deviceId: 'tv', platform: 'web' as const };
    const client = connectShared({ ...common, storage, random: () => 0, ...options });
    const tab = { client, heard: [] as unknown[], refused: [] as string[], errors: [] as unknown[] };
    client.on('*', ({ offset }) => void tab.heard.push(offset));
    client.on('refused', ({ code }) => void tab.refused.push(code));
    client.on('error', (error) => void tab.errors.push(error));
    tabs.push(client);
    return tab;
  };
  const untilLive = (tab: { client: UsherClient }) =>
    eventually(() => tab.client.state.connection === 'live');

  /** Opens two tabs; the first has the connection. */
  const openTwo = async (first: Partial<SharedOptions> = {}, second: Partial<SharedOptions> = {}) => {
    const leader = openTab(first);
    await untilLive(leader);
    const follower = openTab(second);
    await untilLive(follower);
    return { leader, follower };
  };

  test('a heartbeat of each tab is of the profile of that tab', async () => {
    const { leader, follower } = await openTwo({ profileId: 'ann' }, { profileId: 'kids' });
    const other = openTab();
    await follower.client.beat(beat);
    await other.client.beat(beat);
    await leader.client.beat(beat);
    await follower.client.beat({ ...beat, profileId: 'guest' });
    const profiles = server.connection.getMessages('playback.heartbeat').map(({ profileId }) => profileId);
    expect(profiles).toEqual(['kids', 'main', 'ann', 'guest']);
  });

  test('what the tab with the connection did not hear because a listener closed it is heard by the next tab', async () => {
    const entries = [5, 6, 7, 8].map((offset) => createNote(offset));
    server.onConnection = (connection, n) =>
      n === 0 ? connection.sendSnapshot(4) : connection.sendSnapshot(8, { entries });
    const { leader, follower } = await openTwo();
    leader.client.on('*', () => leader.client.close());
    server.connection.socket.disconnect(true);
    await eventually(() => expect(follower.heard).toEqual([5, 6, 7, 8]));
    expect(leader.heard).toEqual([5]);
    expect([...leader.errors, ...follower.errors]).toEqual([]);
  });

  test('the other tabs see a new state also while events keep coming', async () => {
    const { follower } = await openTwo();
    let offset = 0;
    const sending = setInterval(() => server.connection.sendNotes(++offset), 10);
    try {
      await eventually(() => follower.client.state.entries.length > 0);
    } finally {
      clearInterval(sending);
    }
  });

  test('a tab that takes over shows what it knows, and says that it connects', async () => {
    const token = deferred<string>();
    const { leader, follower } = await openTwo({}, { token: () => token.promise });
    server.connection.sendNotes(1);
    await eventually(() => follower.client.state.entries.length === 1);
    leader.client.close();
    await eventually(() => follower.client.state.connection === 'connecting');
    expect(follower.client.state.entries).toHaveLength(1);
    server.onConnection = (connection) => connection.sendSnapshot(1, { entries: [createNote(1)] });
    token.resolve(createToken('ann'));
    await untilLive(follower);
    expect(follower.heard).toEqual([1]);
    server.connection.sendNotes(2); // from now on the state is that of its own connection
    await eventually(() => follower.client.state.entries.length === 2);
  });

  test('what the tab before delivered and had not stored is not heard again', async () => {
    const { leader, follower } = await openTwo();
    const { setItem } = storage;
    storage.setItem = () => {
      throw new Error('the tab is killed');
    };
    server.connection.sendNotes(1);
    await eventually(() => follower.heard.length === 1);
    server.onConnection = (connection) => connection.sendSnapshot(1, { entries: [createNote(1)] });
    const ofLeader = server.connection;
    leader.client.close();
    storage.setItem = setItem;
    await eventually(() => server.connection !== ofLeader);
    await eventually(() => follower.client.state.position?.offset === 1);
    await untilLive(follower);
    server.connection.sendNotes(2);
    await eventually(() => follower.heard.length > 1);
    expect(follower.heard).toEqual([1, 2]);
  });

  test('heartbeats of every tab begin with the interval of the welcome', async () => {
    server.onConnection = (connection) => connection.sendSnapshot(0, {}, { heartbeatSeconds: 1 });
    const { leader, follower } = await openTwo();
    for (const { client } of [leader, follower]) {
      const stop = client.playing(() => beat);
      const before = server.connection.messages.length;
      await eventually(() => server.connection.messages.length > before);
      stop();
    }
  });

  test('where locks are forbidden a tab connects by itself', async () => {
    locks.isForbidden = true;
    const tab = openTab();
    await untilLive(tab);
    expect(tab.errors).toEqual([]);
  });

  test.each(['with', 'without'])('%s locks a token of another user closes the client', async (how) => {
    if (how === 'without') Reflect.deleteProperty(globalThis, 'navigator');
    for (const token of [() => createToken('bob'), createToken('bob')]) {
      const tab = openTab({ token });
      await eventually(() => expect(tab.refused).toEqual(['user_changed']));
      expect(tab.client.state.connection).toBe('closed');
    }
  });

  test('a listener of the state may close the client again', async () => {
    const { leader } = await openTwo();
    leader.client.on('change', ({ connection }) => connection === 'closed' && leader.client.close());
    leader.client.close();
    expect(leader.errors).toEqual([]);
    expect(leader.client.state.connection).toBe('closed');
  });
});
