import { element } from './dom.js';

const SPEEDS = [1, 60, 600] as const;
const FIRST_SPEED = 60;

/** How fast films run here, and whose screens these are. */
export class Settings {
  readonly speed: HTMLElement;
  readonly user: HTMLFormElement;
  private chosen: number = FIRST_SPEED;

  constructor(userId: string) {
    const options = SPEEDS.map((speed) => this.option(speed));
    const explained =
      'Only the film’s own clock runs faster: a beat is sent for every minute of film, and is a real one.';
    this.speed = element(
      'fieldset',
      { class: 'speed', title: explained },
      element('legend', {}, 'Film clock'),
      ...options,
    );
    const name = element('input', {
      name: 'user',
      value: userId,
      maxlength: '40',
      pattern: '[A-Za-z0-9_.:\\-]+',
    });
    name.required = true;
    name.spellcheck = false;
    const label = element('label', {}, element('span', {}, 'User'), name);
    this.user = element('form', { class: 'user', method: 'get' }, label, element('button', {}, 'Switch'));
  }

  get filmSeconds(): number {
    return this.chosen;
  }

  private option(speed: number): HTMLLabelElement {
    const radio = element('input', { type: 'radio', name: 'speed', value: String(speed) });
    radio.checked = speed === FIRST_SPEED;
    radio.addEventListener('change', () => (this.chosen = speed));
    return element('label', {}, radio, element('span', {}, `${speed}×`));
  }
}
