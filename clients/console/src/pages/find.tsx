import { type FormEvent, useState } from 'react';
import { Page } from '../components/parts.js';
import { navigate } from '../router.js';

/** Finds a user by their id. */
export function FindPage() {
  return (
    <Page title="Find">
      <FindForm id="find" />
      <p className="quiet">Press / anywhere to find a user.</p>
    </Page>
  );
}

/** The field, also in the head of every page. */
export function FindForm({ id }: { id: string }) {
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const userId = text.trim();
    if (userId === '') return;
    setText('');
    navigate(`/users/${encodeURIComponent(userId)}`);
  };
  return (
    <form role="search" className="find" onSubmit={submit}>
      <label htmlFor={id} className="sr-only">
        User id
      </label>
      <input
        id={id}
        type="search"
        value={text}
        placeholder="User id"
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit">Find</button>
    </form>
  );
}
