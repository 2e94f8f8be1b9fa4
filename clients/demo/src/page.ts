import type { Membership } from '@usher/client';
import { BackOffice } from './back-office/back-office.js';
import type { ShownRequest } from './back-office/curl.js';
import { DeliveryTraceList } from './back-office/delivery-trace-list.js';
import type { EventReport } from './back-office/event-report.js';
import type { TimelineStep } from './back-office/recent-steps.js';
import { DEVICE_KINDS, DEVICE_NAMES, getDeviceId, getTabId } from './device-identity.js';
import { getById } from './dom.js';
import { Guide } from './guide.js';
import { Inbox } from './inbox/inbox.js';
import { WallClock } from './inbox/wall-clock.js';
import { ScreenNav } from './screen-nav.js';
import { Screen } from './screen/screen.js';
import type { Session } from './session.js';
import { Settings } from './settings.js';

/** Device ids have at most 64 characters: a kind, a hyphen, and this many. */
const MAX_SUFFIX_LENGTH = 56;

/** The page: three screens of one user, what the systems around Usher do, and a guide through both. */
export class Page {
  private readonly settings: Settings;
  private readonly screens: readonly Screen[];
  private readonly traces: DeliveryTraceList;
  private readonly backOffice: BackOffice;
  private readonly guide: Guide;
  private readonly clock = new WallClock();
  private readonly inbox: Inbox;
  private readonly nav = new ScreenNav(getById('screen-nav'), getById('screens'));
  private wasPushed = false;
  private hasCaughtUp = false;
  private hasAskedWhy = false;
  private hasDigest = false;

  constructor(private readonly session: Session) {
    this.settings = new Settings(session.userId);
    this.guide = new Guide(session.userId);
    const suffix = `${session.userId}-${getTabId()}`.slice(-MAX_SUFFIX_LENGTH);
    this.traces = this.createTraces(suffix);
    this.backOffice = new BackOffice(session, this.traces);
    this.inbox = new Inbox(session, this.clock);
    this.screens = DEVICE_KINDS.map((kind) => this.createScreen(kind, suffix));
  }

  /** Shows everything, and connects the devices. */
  start(): void {
    for (const screen of this.screens) this.nav.addScreen(screen);
    getById('settings').append(this.settings.speed, this.settings.user);
    getById('guide').append(this.guide.root);
    getById('screens').append(...this.screens.map(({ root }) => root));
    getById('inbox').append(this.inbox.root);
    getById('back-office').append(this.backOffice.root);
    this.render();
    this.inbox.start();
    for (const { device } of this.screens) device.plugIn();
  }

  private createScreen(kind: (typeof DEVICE_KINDS)[number], deviceIdSuffix: string): Screen {
    return new Screen(kind, {
      session: this.session,
      deviceIdSuffix,
      getSpeed: () => this.settings.filmSpeed,
      getTime: () => this.clock.now(),
      onEvent: ({ deviceId }, event, delayMs) => {
        this.traces.markReceived(deviceId, event, delayMs);
        if (event.type === 'digest.ready') this.hasDigest = true;
      },
      onReceipt: ({ deviceId }, event, state) => this.traces.markReceipt(deviceId, event, state),
      onCaughtUp: (screen, missedEvents, offset) => {
        this.traces.markCaughtUp(screen.deviceId, offset);
        if (kind === 'phone' && missedEvents > 0) this.hasCaughtUp = true;
        this.render();
      },
      onRequest: (title, request) => this.traceRequest(title, request),
      onRender: (screen) => {
        this.nav.render(screen);
        this.render();
      },
    });
  }

  private createTraces(deviceIdSuffix: string): DeliveryTraceList {
    const { session } = this;
    const userPath = `/console/users/${encodeURIComponent(session.userId)}`;
    return new DeliveryTraceList({
      devices: DEVICE_KINDS.map((kind) => ({
        deviceId: getDeviceId(kind, deviceIdSuffix),
        name: DEVICE_NAMES[kind],
      })),
      readEvent: (eventId) => session.callBackEnd<EventReport>('/dev/event', { eventId }),
      readTimeline: async () => {
        const { timeline } = await session.callBackEnd<{ timeline: TimelineStep[] }>('/dev/timeline');
        return timeline;
      },
      getConsoleLink: (eventId) => {
        if (!session.hasConsole) return undefined;
        return eventId === undefined ? userPath : `${userPath}/events/${eventId}`;
      },
      onTimelineOpened: () => {
        this.hasAskedWhy = true;
        this.render();
      },
      onPushed: () => {
        this.wasPushed = true;
        this.render();
      },
    });
  }

  private traceRequest(title: string, request: ShownRequest): void {
    this.traces.add(title).addRequest(`${request.method} ${request.path}`, request);
  }

  private render(): void {
    const membership = getNewestMembership(this.screens);
    const isStreaming = this.screens.some(({ film }) => film.streamId !== undefined);
    const phone = this.screens.find(({ kind }) => kind === 'phone');
    const { wasPushed, hasCaughtUp, hasAskedWhy, hasDigest } = this;
    const isPhoneUnplugged = phone?.device.connection === 'unplugged';
    const facts = {
      membership,
      isStreaming,
      isPhoneUnplugged,
      wasPushed,
      hasCaughtUp,
      hasAskedWhy,
      hasDigest,
    };
    this.backOffice.render({ membership, isStreaming }, this.guide.render(facts));
  }
}

function getNewestMembership(screens: readonly Screen[]): Membership | undefined {
  const memberships = screens.flatMap(({ device }) => device.state?.membership ?? []);
  return memberships.sort((a, b) => b.version - a.version)[0];
}
