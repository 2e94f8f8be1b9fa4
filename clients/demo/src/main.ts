import { byId, element } from './dom.js';
import { Glance } from './glance.js';
import { KINDS, nameOfTab, NAMES, userInAddress } from './identity.js';
import { Journeys } from './journeys.js';
import { Office } from './office.js';
import { Screen } from './screen.js';
import { Refusal, Session } from './session.js';
import { Settings } from './settings.js';

/** The newest of what the screens know, for the back office. */
const newest = (screens: readonly Screen[]) =>
  screens.flatMap(({ device }) => device.state?.membership ?? []).sort((a, b) => b.version - a.version)[0];

function open(session: Session): void {
  const settings = new Settings(session.userId);
  const journeys = new Journeys(KINDS.map((kind) => NAMES[kind]));
  const office = new Office(session, journeys);
  const glance = new Glance(byId('glance'));
  const screens: Screen[] = [];
  const tab = nameOfTab();
  for (const kind of KINDS) {
    const screen = new Screen(kind, {
      session,
      tab: `${session.userId}-${tab}`.slice(-56),
      speed: () => settings.filmSeconds,
      heard: ({ name }, event, ms) => journeys.heard(name, event, ms),
      receipt: ({ name }, event, state) => journeys.receipt(name, event, state),
      caughtUp: ({ name }, offset) => journeys.caughtUp(name, offset),
      changed: (changed) => {
        glance.show(changed);
        office.show(newest(screens));
      },
    });
    screens.push(screen);
    glance.add(screen);
  }
  glance.addOffice();
  byId('settings').append(settings.speed, settings.user);
  byId('screens').append(...screens.map(({ root }) => root));
  byId('office').append(office.root);
  for (const { device } of screens) void device.plugIn();
}

const userId = userInAddress(location.search);
try {
  if (userId === undefined) throw new Refusal('A user is named by 1 to 40 of A-Z a-z 0-9 _ . : -');
  open(await Session.open(userId));
} catch (error) {
  const text =
    error instanceof Refusal
      ? error.message
      : 'The server cannot be reached. Reload the page once it runs again.';
  byId('screens').replaceChildren(element('p', { class: 'notice', role: 'alert' }, text));
}
