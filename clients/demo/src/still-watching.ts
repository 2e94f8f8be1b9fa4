import { button, element } from './dom.js';

export interface Answers {
  readonly goOn: () => void;
  readonly stop: () => void;
}

/** The question after so many episodes that began by themselves. Gone as soon as it is answered, or moot. */
export class StillWatching {
  constructor(private readonly place: HTMLElement) {}

  ask(episodes: number, answers: Answers): void {
    const answered = (act: () => void) => () => {
      this.withdraw();
      act();
    };
    const goOn = button('Keep watching', answered(answers.goOn), { class: 'main' });
    const box = element(
      'div',
      { class: 'prompt', role: 'alertdialog', 'aria-label': 'Still watching?' },
      element('strong', {}, 'Still watching?'),
      element('span', {}, `${episodes} episodes in a row began by themselves.`),
      element(
        'div',
        { class: 'controls' },
        goOn,
        button('That’s enough', answered(answers.stop), { class: 'quiet' }),
      ),
    );
    const screen = this.place.closest('.screen');
    this.place.replaceChildren(box);
    // Whoever is using this screen by keyboard is taken to the question; whoever is elsewhere is not torn away.
    if (screen?.contains(document.activeElement)) goOn.focus();
  }

  withdraw(): void {
    this.place.replaceChildren();
  }
}
