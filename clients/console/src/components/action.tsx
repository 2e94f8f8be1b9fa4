import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { ApiError, call, type Call } from '../api/api.js';
import { useSignedOut } from '../api/signed-out.js';
import { ErrorNotice } from './parts.js';

const MAX_REASON = 500;

/** What an action does, and what it asks before. */
export interface ActionProps {
  /** The button, as `Stop all streams`. */
  readonly label: string;
  /** What the button is called where several have the same label. */
  readonly name?: string;
  /** What it will do, in a sentence or two. */
  readonly explanation: ReactNode;
  /** Further fields of the form. */
  readonly fields?: ReactNode;
  readonly path: string;
  readonly call: Pick<Call, 'method' | 'body'>;
  readonly isDangerous?: boolean;
  /** There is nothing to do. The button stays, since the dialog that says what was done belongs to it. */
  readonly isDisabled?: boolean;
  /** Says what was done, from the response. */
  readonly done: (response: unknown) => ReactNode;
  /** Runs when it is done. */
  readonly onDone?: () => void;
}

/** A button that asks for a reason, which the audit log keeps, and then makes the call. */
export function Action(props: ActionProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        aria-label={props.name}
        className={props.isDangerous ? 'danger' : undefined}
        disabled={props.isDisabled}
        onClick={() => setOpen(true)}
      >
        {props.label}
      </button>
      {isOpen && <ReasonDialog {...props} close={() => setOpen(false)} />}
    </>
  );
}

function ReasonDialog({ close, ...action }: ActionProps & { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [result, setResult] = useState<{ readonly done: ReactNode } | { readonly error: ApiError }>();
  const signedOut = useSignedOut();
  const [titleId, reasonId] = [useId(), useId()];
  useEffect(() => {
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>('input, textarea')?.focus();
  }, []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    try {
      setResult({ done: action.done(await call(action.path, { ...action.call, reason: reason.trim() })) });
      action.onDone?.();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return signedOut();
      setResult({ error: error instanceof ApiError ? error : new ApiError(0, 'internal', String(error)) });
    } finally {
      setBusy(false);
    }
  };

  const isDone = result !== undefined && 'done' in result;
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={close}>
      <h2 id={titleId}>{action.label}</h2>
      {isDone ? (
        <div role="status">{result.done}</div>
      ) : (
        <form id={`${reasonId}-form`} onSubmit={(event) => void submit(event)}>
          <div>{action.explanation}</div>
          {action.fields}
          <label htmlFor={reasonId}>Reason, for the audit log</label>
          <textarea
            id={reasonId}
            required
            maxLength={MAX_REASON}
            rows={2}
            value={reason}
            placeholder="As: the customer asked, ticket 4711"
            onChange={(event) => setReason(event.target.value)}
          />
          <ErrorNotice error={result?.error} />
        </form>
      )}
      <div className="actions">
        <button type="button" onClick={() => dialog.current?.close()}>
          {isDone ? 'Close' : 'Cancel'}
        </button>
        {!isDone && (
          <button
            type="submit"
            form={`${reasonId}-form`}
            className={action.isDangerous ? 'danger' : 'primary'}
            disabled={isBusy || reason.trim() === ''}
          >
            {action.label}
          </button>
        )}
      </div>
    </dialog>
  );
}
