import { button, element } from '../dom.js';

export interface StillWatchingPromptHandlers {
  readonly onContinue: () => void;
  readonly onStop: () => void;
}

/** Asks whether somebody is still watching, after autoplay has started several episodes in a row. */
export class StillWatchingPrompt {
  constructor(private readonly container: HTMLElement) {}

  /** Shows the question. It disappears when it is answered. */
  show(episodes: number, handlers: StillWatchingPromptHandlers): void {
    const hideAnd = (callback: () => void) => () => {
      this.hide();
      callback();
    };
    const continueButton = button('Keep watching', hideAnd(handlers.onContinue), { class: 'main' });
    const dialog = element(
      'div',
      { class: 'prompt', role: 'alertdialog', 'aria-label': 'Still watching?' },
      element('strong', {}, 'Still watching?'),
      element('span', {}, `${episodes} episodes in a row began by themselves.`),
      element(
        'div',
        { class: 'controls' },
        continueButton,
        button('That’s enough', hideAnd(handlers.onStop), { class: 'quiet' }),
      ),
    );
    const screen = this.container.closest('.screen');
    this.container.replaceChildren(dialog);
    // Move the keyboard focus only if it is on this screen.
    if (screen?.contains(document.activeElement)) continueButton.focus();
  }

  hide(): void {
    this.container.replaceChildren();
  }
}
