import { element } from './dom.js';

const SPEEDS = [1, 60, 600] as const;
const DEFAULT_SPEED = 60;

/** Shows the controls for the film speed and the user. */
export class Settings {
  readonly speed: HTMLElement;
  readonly user: HTMLFormElement;
  private chosenSpeed: number = DEFAULT_SPEED;

  constructor(userId: string) {
    const options = SPEEDS.map((speed) => this.createOption(speed));
    const explanation =
      'Only the film’s own clock runs faster: a beat is sent for every minute of film, and is a real one.';
    this.speed = element(
      'fieldset',
      { class: 'speed', title: explanation },
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

  /** Seconds of film that pass in one second. */
  get filmSpeed(): number {
    return this.chosenSpeed;
  }

  private createOption(speed: number): HTMLLabelElement {
    const radio = element('input', { type: 'radio', name: 'speed', value: String(speed) });
    radio.checked = speed === DEFAULT_SPEED;
    radio.addEventListener('change', () => (this.chosenSpeed = speed));
    return element('label', {}, radio, element('span', {}, `${speed}×`));
  }
}
