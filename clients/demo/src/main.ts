import { Page } from './page.js';
import { getUserId } from './device-identity.js';
import { element, getById } from './dom.js';
import { RequestError, Session } from './session.js';

const userId = getUserId(location.search);
try {
  if (userId === undefined) throw new RequestError('A user id has 1 to 40 of A-Z a-z 0-9 _ . : -');
  new Page(await Session.open(userId)).start();
} catch (error) {
  const text =
    error instanceof RequestError
      ? error.message
      : 'The server cannot be reached. Reload the page once it runs again.';
  getById('screens').replaceChildren(element('p', { class: 'notice', role: 'alert' }, text));
}
