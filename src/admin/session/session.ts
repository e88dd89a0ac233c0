import { useSyncExternalStore } from 'react';

/**
 * The credential of this tab, an API key or an access token. It stays in the memory of the page: nothing is written to a storage that
 * other tabs, later visitors or injected scripts could read.
 */
interface Session {
  credential: string | undefined;
  /** Requests wait for a login. */
  isLoginWanted: boolean;
  /** Somebody was logged in before, so the page and what was typed into it stay. */
  wasLoggedIn: boolean;
}

let session: Session = { credential: undefined, isLoginWanted: false, wasLoggedIn: false };
let waiting: (() => void)[] = [];
const listeners = new Set<() => void>();

function change(part: Partial<Session>): void {
  session = { ...session, ...part };
  for (const listener of listeners) listener();
}

export function useSession(): Session {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => session,
  );
}

export function currentCredential(): string | undefined {
  return session.credential;
}

/** Opens the login over the page, and resolves when somebody has logged in. Requests that were refused wait for it together. */
export function wantLogin(refused: string | undefined): Promise<void> {
  // Another request has brought a new credential in the meantime.
  if (session.credential !== refused && session.credential !== undefined) return Promise.resolve();
  change({ isLoginWanted: true });
  return new Promise((resolve) => waiting.push(resolve));
}

export function logIn(credential: string | undefined): void {
  change({ credential, isLoginWanted: false, wasLoggedIn: true });
  const all = waiting;
  waiting = [];
  for (const resolve of all) resolve();
}

/** Forgets the credential with everything that was read by it. */
export function logOut(): void {
  location.reload();
}
