import type { Membership } from '@usher/client';
import { BackOffice } from './back-office/back-office.js';
import { DeliveryTraceList } from './back-office/delivery-trace-list.js';
import { DEVICE_KINDS, DEVICE_NAMES, getTabId, getUserId } from './device-identity.js';
import { element, getById } from './dom.js';
import { Screen } from './screen/screen.js';
import { ScreenNav } from './screen-nav.js';
import { RequestError, Session } from './session.js';
import { Settings } from './settings.js';

/** Device ids have at most 64 characters: a kind, a hyphen, and this many. */
const MAX_SUFFIX_LENGTH = 56;

function renderPage(session: Session): void {
  const settings = new Settings(session.userId);
  const traces = new DeliveryTraceList(DEVICE_KINDS.map((kind) => DEVICE_NAMES[kind]));
  const backOffice = new BackOffice(session, traces);
  const nav = new ScreenNav(getById('screen-nav'));
  const deviceIdSuffix = `${session.userId}-${getTabId()}`.slice(-MAX_SUFFIX_LENGTH);
  const screens: Screen[] = [];
  for (const kind of DEVICE_KINDS) {
    const screen = new Screen(kind, {
      session,
      deviceIdSuffix,
      getSpeed: () => settings.filmSpeed,
      onEvent: ({ name }, event, delayMs) => traces.markReceived(name, event, delayMs),
      onReceipt: ({ name }, event, state) => traces.markReceipt(name, event, state),
      onCaughtUp: ({ name }, offset) => traces.markCaughtUp(name, offset),
      onRender: (rendered) => {
        nav.render(rendered);
        backOffice.render(getNewestMembership(screens));
      },
    });
    screens.push(screen);
    nav.addScreen(screen);
  }
  nav.addBackOffice();
  getById('settings').append(settings.speed, settings.user);
  getById('screens').append(...screens.map(({ root }) => root));
  getById('back-office').append(backOffice.root);
  for (const { device } of screens) device.plugIn();
}

function getNewestMembership(screens: readonly Screen[]): Membership | undefined {
  const memberships = screens.flatMap(({ device }) => device.state?.membership ?? []);
  return memberships.sort((a, b) => b.version - a.version)[0];
}

const userId = getUserId(location.search);
try {
  if (userId === undefined) throw new RequestError('A user id has 1 to 40 of A-Z a-z 0-9 _ . : -');
  renderPage(await Session.open(userId));
} catch (error) {
  const text =
    error instanceof RequestError
      ? error.message
      : 'The server cannot be reached. Reload the page once it runs again.';
  getById('screens').replaceChildren(element('p', { class: 'notice', role: 'alert' }, text));
}
