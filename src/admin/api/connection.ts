import { useSyncExternalStore } from 'react';

let isLost = false;
const listeners = new Set<() => void>();

/** Called for each answer, and each request without one. */
export function reportConnection(isConnected: boolean): void {
  if (isLost === !isConnected) return;
  isLost = !isConnected;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function isConnectionLost(): boolean {
  return isLost;
}

/** Whether the last request got no answer. */
export function useConnectionLost(): boolean {
  return useSyncExternalStore(subscribe, isConnectionLost);
}
