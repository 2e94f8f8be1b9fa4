import { button, element, setText } from '../dom.js';
import { type ShownRequest, toCurl } from './curl.js';
import { docsOf } from './docs-links.js';

/** The parts of a trace that open: the commands, the payloads and the timeline, and links to read on. */
export class TraceDetails {
  readonly root = element('div', { class: 'trace-details' });
  private readonly curl = section('Curl');
  private readonly payload = section('Payload');
  private readonly timeline = section('Timeline');
  private readonly links = element('p', { class: 'trace-links' });
  private readonly docs = new Set<string>();
  private event: HTMLElement | undefined;

  constructor(timeline: HTMLElement) {
    this.timeline.append(timeline);
    this.root.append(this.curl, this.payload, this.timeline, this.links);
  }

  /** Opens the commands, which is what one looks for first, or closes all that is open. */
  setOpen(isOpen: boolean): void {
    this.curl.open = isOpen;
    if (isOpen) return;
    this.payload.open = false;
    this.timeline.open = false;
  }

  /** `onOpen` is called when a person opens the timeline. */
  onTimelineOpened(onOpen: () => void): void {
    this.timeline.addEventListener('toggle', () => {
      if (this.timeline.open) onOpen();
    });
  }

  addRequest(request: ShownRequest): void {
    this.curl.append(createCommand(toCurl(request, location.origin)));
    if (request.body !== undefined) this.addPayload(`${request.method} ${request.path}`, request.body);
    this.addDocs(request);
  }

  /** Shows the response to the request that was added last. */
  addResponse(text: string): void {
    if (text !== '') this.addPayload('Response', text);
  }

  /** Shows the event as the devices get it. */
  setEvent(event: unknown): void {
    const json = JSON.stringify(event, null, 2);
    if (this.event) return setText(this.event, json);
    this.event = this.addPayload('Event, as each device gets it', json);
  }

  addLink(text: string, href: string): void {
    this.links.append(element('a', { href, target: '_blank', rel: 'noopener' }, text));
  }

  private addPayload(title: string, text: string): HTMLElement {
    const code = element('code', {}, prettify(text));
    this.payload.append(element('p', { class: 'payload-title' }, title), createBlock(code));
    return code;
  }

  private addDocs(request: ShownRequest): void {
    const docs = docsOf(request);
    if (!docs || this.docs.has(docs.href)) return;
    this.docs.add(docs.href);
    this.addLink(docs.text, docs.href);
  }
}

const section = (title: string): HTMLDetailsElement => element('details', {}, element('summary', {}, title));

/** It scrolls, and must do so by keyboard. */
const createBlock = (code: HTMLElement): HTMLElement => element('pre', { tabindex: '0' }, code);

function createCommand(text: string): HTMLElement {
  const block = element('div', { class: 'command' }, createBlock(element('code', {}, text)));
  // Only a page that is served securely, as one of this machine is, may write to the clipboard.
  if (navigator.clipboard as Clipboard | undefined) block.append(createCopyButton(text));
  return block;
}

function createCopyButton(text: string): HTMLButtonElement {
  const copy = button('Copy', () => {
    navigator.clipboard.writeText(text).then(
      () => setText(copy, 'Copied'),
      () => setText(copy, 'Select it and copy'),
    );
  });
  return copy;
}

/** Returns JSON with line breaks, and any other text as it is. */
function prettify(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
