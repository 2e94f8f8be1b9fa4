import { createContext, useContext } from 'react';

/** What a person may do; each role includes the ones before it. */
export const ROLES = ['read', 'support', 'operate', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who is signed in. */
export interface Person {
  readonly name: string;
  readonly role: Role;
  /** When the session ends at the latest. */
  readonly until: string;
}

/** The response of `GET /console/session`. */
export interface SessionResponse {
  readonly person: Person | null;
  /** How one signs in: at an identity provider, or in development by a one-time link. */
  readonly signIn: 'oidc' | 'link';
}

export const CurrentPerson = createContext<Person>({ name: '', role: 'read', until: '' });

/** Returns whether the person who is signed in may do what needs this role. */
export function useMay(role: Role): boolean {
  const person = useContext(CurrentPerson);
  return ROLES.indexOf(person.role) >= ROLES.indexOf(role);
}
