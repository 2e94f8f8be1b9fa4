import { button, element, say } from './dom.js';
import { clock, EPISODE_SECONDS, episodeName, titleOf } from './film.js';
import { poster } from './poster.js';
import type { Stage } from './stage.js';

export interface StageActs {
  readonly main: () => void;
  readonly next: () => void;
  readonly seek: (seconds: number) => void;
}

/** The picture, the title, the bar and the buttons. Built once, then only changed. */
export class StageView {
  readonly root: HTMLElement;
  readonly autoplay = element('input', { type: 'checkbox', checked: '' });
  readonly prompt = element('div', { class: 'prompt-place' });
  private readonly art = element('div', { class: 'art' });
  private readonly barrier = element('div', { class: 'barrier', role: 'status' });
  private readonly note = element('p', { class: 'note' });
  private readonly title = element('h3');
  private readonly episode = element('p', { class: 'episode' });
  private readonly fill = element('div', { class: 'fill' });
  private readonly bar: HTMLElement;
  private readonly seek: HTMLInputElement;
  private readonly time = element('span', { class: 'time' });
  private readonly main: HTMLButtonElement;
  private readonly next: HTMLButtonElement;
  private shownShow = '';

  constructor(deviceName: string, acts: StageActs) {
    this.bar = element('div', { class: 'bar', role: 'progressbar', 'aria-valuemin': '0' }, this.fill);
    this.bar.setAttribute('aria-label', `Position on ${deviceName}`);
    this.seek = element('input', {
      type: 'range',
      class: 'seek',
      min: '0',
      max: String(EPISODE_SECONDS),
      step: '10',
    });
    this.seek.setAttribute('aria-label', `Move to another position on ${deviceName}`);
    this.seek.addEventListener('change', () => acts.seek(Number(this.seek.value)));
    this.main = button('Play', acts.main, { class: 'main' });
    this.next = button('Next episode', acts.next, { class: 'quiet' });
    const autoplay = element('label', { class: 'autoplay' }, this.autoplay, 'Autoplay');
    this.root = element(
      'div',
      { class: 'stage' },
      this.art,
      element('div', { class: 'shade' }),
      element('div', { class: 'words' }, this.note, this.title, this.episode),
      element('div', { class: 'track' }, this.bar, this.seek, this.time),
      element('div', { class: 'controls' }, this.main, this.next, autoplay),
      this.barrier,
      this.prompt,
    );
  }

  show(stage: Stage): void {
    const { place, durationSeconds, motion, action, barrier } = stage;
    this.root.dataset['motion'] = motion;
    if (this.shownShow !== place.showId) this.art.replaceChildren(poster(place.showId));
    this.shownShow = place.showId;
    say(this.note, stage.note);
    say(this.title, titleOf(place.showId));
    say(this.episode, episodeName(place.episodeId));
    say(this.time, `${clock(place.positionSeconds)} / ${clock(durationSeconds)}`);
    this.move(place.positionSeconds, durationSeconds);
    say(this.main, action.label);
    this.main.disabled = action.disabled;
    this.next.hidden = motion !== 'here';
    this.seek.hidden = motion !== 'here';
    this.root.dataset['barrier'] = String(barrier !== undefined);
    this.barrier.hidden = barrier === undefined;
    if (barrier) this.explain(barrier);
  }

  private move(position: number, duration: number): void {
    this.fill.style.setProperty('--at', String(duration > 0 ? Math.min(1, position / duration) : 0));
    this.bar.setAttribute('aria-valuemax', String(Math.round(duration)));
    this.bar.setAttribute('aria-valuenow', String(Math.floor(position)));
    this.bar.setAttribute('aria-valuetext', `${clock(position)} of ${clock(duration)}`);
    if (document.activeElement !== this.seek) this.seek.value = String(position);
  }

  private explain({ title, text }: { title: string; text: string }): void {
    if (this.barrier.textContent === title + text) return;
    this.barrier.replaceChildren(element('strong', {}, title), element('span', {}, text));
  }
}
