type Attributes = Readonly<Record<string, string>>;

/** Returns a new HTML element. Strings become text nodes: nothing from the server is parsed as HTML. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  created.append(...children);
  return created;
}

/** Returns a new SVG element. */
export function svgElement(tag: string, attributes: Attributes, ...children: Node[]): SVGElement {
  const created = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  created.append(...children);
  return created;
}

/** Returns a new button. A click does nothing while it is disabled by {@link disable}. */
export function button(label: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const created = element('button', { type: 'button', ...attributes }, label);
  created.addEventListener('click', () => {
    if (created.getAttribute('aria-disabled') !== 'true') onClick();
  });
  return created;
}

/**
 * Disables a button for this reason, which the eye and a screen reader learn, or enables it. It stays in the order of the keyboard, since
 * nobody could learn the reason otherwise.
 */
export function disable(target: HTMLButtonElement, reason: string | undefined): void {
  if (target.getAttribute('aria-description') === (reason ?? null)) return;
  const attributes = { 'aria-disabled': reason && 'true', 'aria-description': reason, title: reason };
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) target.removeAttribute(name);
    else target.setAttribute(name, value);
  }
}

/** Sets a text if it differs: an unchanged one must not lose a selection or be read out again by a screen reader. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Returns the element with this id. Throws if the page has none. */
export function getById(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
