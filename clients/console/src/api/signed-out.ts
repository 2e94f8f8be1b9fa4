import { createContext, useContext } from 'react';

/** What to do when a call says that there is no session any more. */
export const SignedOut = createContext<() => void>(() => {});

/** Returns the function that shows the sign-in again. */
export const useSignedOut = (): (() => void) => useContext(SignedOut);
