import { button, disable, element, setText } from '../dom.js';
import type { PlayerViewModel } from './player-view-model.js';
import { poster } from './poster.js';
import { EPISODE_SECONDS, formatEpisode, formatTime, formatTitle } from './shows.js';

export interface PlayerViewHandlers {
  /** The button `Play`, `Pause` or `Continue here`. */
  readonly onMainButton: () => void;
  readonly onNextEpisode: () => void;
  readonly onSeek: (seconds: number) => void;
}

/** Shows the picture, the title, the progress bar and the buttons of one player. */
export class PlayerView {
  readonly root: HTMLElement;
  readonly autoplay = element('input', { type: 'checkbox', checked: '' });
  readonly promptContainer = element('div');
  private readonly art = element('div', { class: 'art' });
  private readonly barrier = element('div', { class: 'barrier', role: 'status' });
  private readonly note = element('p', { class: 'note' });
  private readonly title = element('h3');
  private readonly episode = element('p', { class: 'episode' });
  private readonly fill = element('div', { class: 'fill' });
  private readonly bar: HTMLElement;
  private readonly seek: HTMLInputElement;
  private readonly time = element('span', { class: 'time' });
  private readonly mainButton: HTMLButtonElement;
  private readonly nextButton: HTMLButtonElement;
  private renderedShowId = '';

  constructor(deviceName: string, handlers: PlayerViewHandlers) {
    this.bar = element('div', { class: 'bar', role: 'progressbar', 'aria-valuemin': '0' }, this.fill);
    this.bar.setAttribute('aria-label', `Position on ${deviceName}`);
    this.seek = element('input', {
      type: 'range',
      class: 'seek',
      min: '0',
      max: String(EPISODE_SECONDS),
      step: '10',
      'aria-label': `Move to another position on ${deviceName}`,
    });
    this.seek.addEventListener('change', () => handlers.onSeek(Number(this.seek.value)));
    this.seek.addEventListener('input', () => this.renderSeekText());
    this.mainButton = button('Play', handlers.onMainButton, { class: 'main' });
    this.nextButton = button('Next episode', handlers.onNextEpisode, { class: 'quiet' });
    const autoplay = element('label', { class: 'autoplay' }, this.autoplay, 'Autoplay');
    this.root = element(
      'div',
      { class: 'player' },
      this.art,
      element('div', { class: 'shade' }),
      element('div', { class: 'caption' }, this.note, this.title, this.episode),
      element('div', { class: 'track' }, this.bar, this.seek, this.time),
      element('div', { class: 'controls' }, this.mainButton, this.nextButton, autoplay),
      this.barrier,
      this.promptContainer,
    );
  }

  render(model: PlayerViewModel): void {
    const { position, durationSeconds, motion, action, barrier } = model;
    this.root.dataset['motion'] = motion;
    if (this.renderedShowId !== position.showId) this.art.replaceChildren(poster(position.showId));
    this.renderedShowId = position.showId;
    setText(this.note, model.note);
    setText(this.title, formatTitle(position.showId));
    setText(this.episode, formatEpisode(position.episodeId));
    setText(this.time, `${formatTime(position.positionSeconds)} / ${formatTime(durationSeconds)}`);
    this.renderBar(position.positionSeconds, durationSeconds);
    setText(this.mainButton, action.label);
    disable(this.mainButton, action.whyNot);
    this.nextButton.hidden = motion !== 'here';
    this.seek.hidden = motion !== 'here';
    this.root.dataset['barrier'] = String(barrier !== undefined);
    this.barrier.hidden = barrier === undefined;
    if (barrier) this.renderBarrier(barrier);
  }

  private renderBar(position: number, duration: number): void {
    this.fill.style.setProperty('--at', String(duration > 0 ? Math.min(1, position / duration) : 0));
    this.bar.setAttribute('aria-valuemax', String(Math.round(duration)));
    this.bar.setAttribute('aria-valuenow', String(Math.floor(position)));
    this.bar.setAttribute('aria-valuetext', `${formatTime(position)} of ${formatTime(duration)}`);
    if (document.activeElement !== this.seek) this.seek.value = String(position);
    this.renderSeekText();
  }

  /** What a screen reader says of the slider: the time where its handle is, and not a number of seconds. */
  private renderSeekText(): void {
    const text = `${formatTime(Number(this.seek.value))} of ${formatTime(EPISODE_SECONDS)}`;
    this.seek.setAttribute('aria-valuetext', text);
  }

  private renderBarrier({ title, text }: { title: string; text: string }): void {
    if (this.barrier.textContent === title + text) return;
    this.barrier.replaceChildren(element('strong', {}, title), element('span', {}, text));
  }
}
