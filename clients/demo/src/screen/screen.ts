import type { Beat, Envelope } from '@usher/client';
import type { ShownRequest } from '../back-office/curl.js';
import { Announcement } from './announcement.js';
import { Device } from './device.js';
import { DEVICE_NAMES, type DeviceKind, getDeviceId, PLATFORMS } from '../device-identity.js';
import { button, element, setText } from '../dom.js';
import { handleEvent } from './event-handler.js';
import { EventLog } from './event-log.js';
import { FilmStream } from './film-stream.js';
import { LockScreen } from './lock-screen.js';
import { MembershipPanel } from './membership-panel.js';
import { Player } from './player.js';
import { PlayerView } from './player-view.js';
import { getPlayerViewModel, type PlayerViewModel } from './player-view-model.js';
import { RecommendationsRow } from './recommendations-row.js';
import type { Session } from '../session.js';
import { FIRST_EPISODE, type ShowPosition } from './shows.js';
import { StillWatchingPrompt } from './still-watching-prompt.js';
import { endStreamRequest, readStateRequest, startStreamRequest } from './screen-requests.js';
import { StreamStrip } from './stream-strip.js';

export interface ScreenOptions {
  readonly session: Session;
  /** Distinguishes the devices of this tab from those of other tabs. */
  readonly deviceIdSuffix: string;
  /** Returns how many seconds of film pass in one second. */
  getSpeed(): number;
  /** Returns what a clock on the wall shows. */
  getTime(): Date;
  onEvent(screen: Screen, event: Envelope, delayMs: number): void;
  onReceipt(screen: Screen, event: Envelope, state: 'applied' | 'seen'): void;
  onCaughtUp(screen: Screen, missedEvents: number, offset: number): void;
  /** A person did something here that makes this request to Usher. */
  onRequest(title: string, request: ShownRequest): void;
  onRender(screen: Screen): void;
}

/** One device of the user: connects its client, its player and the parts of its screen. */
export class Screen {
  readonly name: string;
  readonly root: HTMLElement;
  readonly device: Device;
  readonly deviceId: string;
  readonly film: FilmStream;
  private readonly player: Player;
  private readonly playerView: PlayerView;
  private readonly membership: MembershipPanel;
  private readonly recommendations: RecommendationsRow;
  private readonly log: EventLog;
  /** Only the phone receives pushes while it is unplugged. */
  private readonly lockScreen: LockScreen | undefined;
  private readonly prompt: StillWatchingPrompt;
  private readonly strip: StreamStrip;
  private readonly announcement = new Announcement((event) => void this.sendReceipt(event, 'seen'));
  private readonly connection = element('span', { class: 'connection', role: 'status' });
  private readonly plugButton = button('Unplug', () => this.togglePlug(), { class: 'plug' });
  private isRenderScheduled = false;

  constructor(
    readonly kind: DeviceKind,
    private readonly options: ScreenOptions,
  ) {
    const { session } = options;
    this.name = DEVICE_NAMES[kind];
    this.deviceId = getDeviceId(kind, options.deviceIdSuffix);
    this.log = new EventLog(this.name);
    if (kind === 'phone')
      this.lockScreen = new LockScreen(session, this.deviceId, {
        getTime: () => options.getTime(),
        onOpen: () => this.device.plugIn(),
      });
    this.strip = new StreamStrip(this.name);
    this.film = new FilmStream({
      session,
      deviceId: this.deviceId,
      onChange: () => this.scheduleRender(),
      // A beat would contradict the device that goes on.
      onStopped: (reason) => (reason === 'ended' ? this.player.pauseSilently() : this.player.pause()),
    });
    this.membership = new MembershipPanel((planId) => session.getPlanName(planId));
    this.playerView = new PlayerView(this.name, {
      onMainButton: () => this.pressMainButton(),
      onNextEpisode: () => this.player.playNextEpisode(),
      onSeek: (seconds) => this.player.seek(seconds),
    });
    this.prompt = new StillWatchingPrompt(this.playerView.promptContainer);
    this.recommendations = new RecommendationsRow(this.name, {
      onPlay: (showId) => this.playShow(showId),
      onSeen: (event) => void this.sendReceipt(event, 'seen'),
    });
    this.player = new Player({
      getSpeed: () => options.getSpeed(),
      isAutoplayOn: () => this.playerView.autoplay.checked,
      onBeat: (beat) => this.sendBeat(beat),
      onChange: () => this.scheduleRender(),
    });
    this.device = this.createDevice();
    this.root = this.createRoot();
    this.scheduleRender();
  }

  get playerViewModel(): PlayerViewModel {
    const { state, connection } = this.device;
    return getPlayerViewModel({
      deviceId: this.deviceId,
      isLive: connection === 'live',
      isUnplugged: connection === 'unplugged',
      membership: state?.membership,
      playback: state?.playback ?? [],
      player: this.player,
      now: Date.now(),
    });
  }

  private createDevice(): Device {
    return new Device({
      session: this.options.session,
      deviceId: this.deviceId,
      name: this.name,
      platform: PLATFORMS[this.kind],
      push: this.lockScreen?.push,
      onEvent: (event, delayMs) => this.handleEvent(event, delayMs),
      onCaughtUp: (missedEvents, offset) => this.handleCaughtUp(missedEvents, offset),
      onError: (message) => this.log.addNote(message),
      onChange: () => this.scheduleRender(),
    });
  }

  private createRoot(): HTMLElement {
    const heading = element('h2', {}, this.name);
    return element(
      'section',
      {
        class: `screen ${this.kind}`,
        id: `screen-${this.kind}`,
        'aria-label': this.name,
        'data-device': this.kind,
      },
      element('header', { class: 'screen-head' }, heading, this.connection, this.plugButton),
      element(
        'div',
        { class: 'case' },
        this.playerView.root,
        this.strip.root,
        this.announcement.root,
        this.membership.root,
        this.recommendations.root,
        ...(this.lockScreen ? [this.lockScreen.root] : []),
      ),
      this.log.root,
    );
  }

  /** Renders once for all changes until the next frame. */
  private scheduleRender(): void {
    if (this.isRenderScheduled) return;
    this.isRenderScheduled = true;
    requestAnimationFrame(() => this.render());
  }

  private render(): void {
    this.isRenderScheduled = false;
    const { state, connection } = this.device;
    const isUnplugged = connection === 'unplugged';
    this.root.dataset['connection'] = connection;
    setText(this.connection, isUnplugged ? 'offline' : connection);
    setText(this.plugButton, isUnplugged ? 'Plug in' : 'Unplug');
    this.playerView.render(this.playerViewModel);
    this.strip.render(this.film.state);
    this.lockScreen?.setVisible(isUnplugged);
    this.membership.render(state?.membership);
    const frontPage = state?.recommendations.find((page) => page.profileId === 'main');
    this.recommendations.render(frontPage, isUnplugged);
    this.options.onRender(this);
  }

  private pressMainButton(): void {
    const { action, position } = this.playerViewModel;
    this.prompt.hide();
    if (action.label !== 'Pause') return void this.play(position);
    const { streamId } = this.film;
    if (streamId !== undefined) this.options.onRequest(`Pause on ${this.name}`, endStreamRequest(streamId));
    this.player.pause();
    this.film.close();
  }

  private playShow(showId: string): void {
    if (this.playerViewModel.action.whyNot !== undefined) return;
    const known = this.device.state?.playback.find((progress) => progress.showId === showId);
    const { episodeId = FIRST_EPISODE, positionSeconds = 0 } = known ?? {};
    this.player.pause();
    void this.play({ showId, episodeId, positionSeconds });
  }

  /** Plays once the edge node has a lease. */
  private async play(position: ShowPosition): Promise<void> {
    const { session } = this.options;
    const request = startStreamRequest(session.userId, this.deviceId, position.showId);
    this.options.onRequest(`Play on ${this.name}`, request);
    if (await this.film.open(position.showId)) this.player.play(position);
  }

  /** A heartbeat that names the stream renews its slot, too. */
  private sendBeat(beat: Beat): void {
    const { streamId } = this.film;
    this.device.beat(streamId === undefined ? beat : { ...beat, streamId });
    if (beat.state === 'ended') this.film.close();
  }

  private togglePlug(): void {
    if (this.device.connection === 'unplugged') {
      this.options.onRequest(`Plug in ${this.name}`, readStateRequest());
      return this.device.plugIn();
    }
    this.player.pauseSilently(); // a device without power sends no heartbeat
    this.film.close();
    this.prompt.hide();
    this.device.unplug();
    this.log.addNote('unplugged');
  }

  private handleEvent(event: Envelope, delayMs: number): void {
    this.log.addEvent(event, delayMs);
    this.options.onEvent(this, event, delayMs);
    const { player, film, recommendations, announcement, prompt } = this;
    const sendReceipt = (state: 'applied' | 'seen') => void this.sendReceipt(event, state);
    const play = (position: ShowPosition) => void this.play(position);
    handleEvent(event, { player, film, recommendations, announcement, prompt, play, sendReceipt });
  }

  private async sendReceipt(event: Envelope, state: 'applied' | 'seen'): Promise<void> {
    if (!(await this.device.sendReceipt(event, state))) return;
    this.log.setReceipt(event.id, state);
    this.options.onReceipt(this, event, state);
  }

  private handleCaughtUp(missedEvents: number, offset: number): void {
    this.options.onCaughtUp(this, missedEvents, offset);
    const count = missedEvents === 1 ? '1 event' : `${missedEvents} events`;
    this.log.addNote(
      missedEvents > 0 ? `caught up: ${count}, read to #${offset}` : `up to date, read to #${offset}`,
    );
  }
}
