import type { Envelope } from '@usher/client';
import { Abilities } from './abilities.js';
import { Device } from './device.js';
import { button, element, say } from './dom.js';
import { FIRST_EPISODE } from './film.js';
import { FrontPageRow } from './front-page.js';
import { type Kind, NAMES, PLATFORMS } from './identity.js';
import { LockScreen } from './lock-screen.js';
import { LogStrip } from './log.js';
import { Player } from './player.js';
import { react } from './reactions.js';
import type { Session } from './session.js';
import { type Stage, stageOf } from './stage.js';
import { StageView } from './stage-view.js';
import { StillWatching } from './still-watching.js';

export interface ScreenPorts {
  readonly session: Session;
  readonly tab: string;
  speed(): number;
  heard(screen: Screen, event: Envelope, ms: number): void;
  receipt(screen: Screen, event: Envelope, state: 'applied' | 'seen'): void;
  caughtUp(screen: Screen, offset: number): void;
  changed(screen: Screen): void;
}

/** One device of the user: what it shows, and what a person does to it. */
export class Screen {
  readonly name: string;
  readonly root: HTMLElement;
  readonly device: Device;
  private readonly deviceId: string;
  private readonly player: Player;
  private readonly view: StageView;
  private readonly abilities: Abilities;
  private readonly row: FrontPageRow;
  private readonly log: LogStrip;
  /** A phone is reached while it sleeps; the others learn it when they are back. */
  private readonly lockScreen: LockScreen | undefined;
  private readonly question: StillWatching;
  private readonly connection = element('span', { class: 'connection', role: 'status' });
  private readonly plug: HTMLButtonElement;
  private isDue = false;

  constructor(
    readonly kind: Kind,
    private readonly ports: ScreenPorts,
  ) {
    const { session, tab } = ports;
    this.name = NAMES[kind];
    this.deviceId = `${kind}-${tab}`;
    this.log = new LogStrip(this.name);
    if (kind === 'phone')
      this.lockScreen = new LockScreen(session, this.deviceId, () => void this.device.plugIn());
    this.abilities = new Abilities((planId) => session.planName(planId));
    this.view = new StageView(this.name, {
      main: () => this.main(),
      next: () => this.player.nextEpisode(),
      seek: (seconds) => this.player.seek(seconds),
    });
    this.question = new StillWatching(this.view.prompt);
    this.row = new FrontPageRow(this.name, {
      play: (showId) => this.start(showId),
      seen: (event) => void this.receipt(event, 'seen'),
    });
    this.player = new Player({
      speed: () => ports.speed(),
      autoplay: () => this.view.autoplay.checked,
      beat: (beat) => this.device.beat(beat),
      changed: () => this.draw(),
    });
    this.device = new Device({
      session,
      deviceId: this.deviceId,
      name: this.name,
      platform: PLATFORMS[kind],
      push: this.lockScreen?.push,
      heard: (event, ms) => this.hear(event, ms),
      caughtUp: (missed, offset) => this.caughtUp(missed, offset),
      trouble: (text) => this.log.note(text),
      changed: () => this.draw(),
    });
    this.plug = button('Unplug', () => this.togglePlug(), { class: 'plug' });
    this.root = this.frame();
    this.draw();
  }

  /** What is on it now. */
  get stage(): Stage {
    const { state, connection } = this.device;
    return stageOf({
      deviceId: this.deviceId,
      isLive: connection === 'live',
      isOff: connection === 'unplugged',
      membership: state?.membership,
      playback: state?.playback ?? [],
      player: this.player,
      now: Date.now(),
    });
  }

  /** Soon, once for all that changed by then: events are heard first and drawn after. */
  draw(): void {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => this.drawNow());
  }

  private drawNow(): void {
    this.isDue = false;
    const { state, connection } = this.device;
    const isOff = connection === 'unplugged';
    this.root.dataset['connection'] = connection;
    say(this.connection, isOff ? 'offline' : connection);
    say(this.plug, isOff ? 'Plug in' : 'Unplug');
    this.view.show(this.stage);
    this.lockScreen?.show(isOff);
    this.abilities.show(state?.membership);
    this.row.show(
      state?.recommendations.find((page) => page.profileId === 'main'),
      isOff,
    );
    this.ports.changed(this);
  }

  private frame(): HTMLElement {
    const heading = element('h2', {}, this.name);
    return element(
      'section',
      {
        class: `screen ${this.kind}`,
        id: `screen-${this.kind}`,
        'aria-label': this.name,
        'data-device': this.kind,
      },
      element('header', { class: 'screen-head' }, heading, this.connection, this.plug),
      element(
        'div',
        { class: 'case' },
        this.view.root,
        this.abilities.root,
        this.row.root,
        ...(this.lockScreen ? [this.lockScreen.root] : []),
      ),
      this.log.root,
    );
  }

  private main(): void {
    const { action, place } = this.stage;
    this.question.withdraw();
    if (action.label === 'Pause') this.player.pause();
    else this.player.play(place);
  }

  private start(showId: string): void {
    if (this.stage.action.disabled) return;
    const known = this.device.state?.playback.find((row) => row.showId === showId);
    const { episodeId = FIRST_EPISODE, positionSeconds = 0 } = known ?? {};
    this.player.pause();
    this.player.play({ showId, episodeId, positionSeconds });
  }

  private togglePlug(): void {
    if (this.device.connection === 'unplugged') return void this.device.plugIn();
    this.player.cut(); // the power is gone: it cannot say goodbye
    this.question.withdraw();
    this.device.unplug();
    this.log.note('unplugged');
  }

  private hear(event: Envelope, ms: number): void {
    this.log.event(event, ms);
    this.ports.heard(this, event, ms);
    const { player, row, question } = this;
    react(event, { player, row, question, receipt: (state) => void this.receipt(event, state) });
  }

  private async receipt(event: Envelope, state: 'applied' | 'seen'): Promise<void> {
    if (!(await this.device.receipt(event, state))) return;
    this.log.receipt(event.id, state);
    this.ports.receipt(this, event, state);
  }

  private caughtUp(missed: number, offset: number): void {
    this.ports.caughtUp(this, offset);
    const many = missed === 1 ? '1 event' : `${missed} events`;
    this.log.note(missed > 0 ? `caught up: ${many}, read to #${offset}` : `in step, read to #${offset}`);
  }
}
