import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { NewestChangeDocument, RoutesChangedDocument } from '../generated/graphql.js';
import { useRights } from '../session/rights.js';
import { isConnectionLost } from './connection.js';
import { openStream } from './live.js';
import { request } from './request.js';

const everyMs = 400;
/** Between reading everything and reading it again. */
const pauseMs = 200;
const longestMs = 2_000;
/** Without a right to learn of changes, the page reads what it shows again. */
const blindMs = 5_000;

/** Reads everything on the screen again when anybody has changed the registry. */
export function useRegistryWatch(): void {
  const client = useQueryClient();
  const { may, scopes } = useRights();
  const readsLog = may('readAuditLog');
  const hearsRoutes = scopes.some((scope) => scope.startsWith('resolve:'));

  useEffect(() => {
    let revision: string | undefined;
    let isAsking = false;
    let askedAt = 0;
    let isRefreshing = false;
    let isDue = false;
    // Many changes can come at once, as from a rollout: reading again begins when the reading before it has ended.
    const refresh = async () => {
      isDue = true;
      if (isRefreshing) return;
      isRefreshing = true;
      while (isDue) {
        isDue = false;
        // One answer that is slow does not hold up what others have changed.
        await Promise.race([client.invalidateQueries({ refetchType: 'active' }), pause(longestMs)]);
        await pause(pauseMs);
      }
      isRefreshing = false;
    };

    const look = async () => {
      if (document.hidden || isAsking) return;
      const now = performance.now();
      // A gateway that does not answer is asked less often.
      if (now - askedAt < (isConnectionLost() ? 2_000 : readsLog ? everyMs : blindMs)) return;
      isAsking = true;
      askedAt = now;
      try {
        // Events of routes are no news of members, keys and operations, and are lost in an outage.
        if (!readsLog) return void refresh();
        const { auditLog } = await request(NewestChangeDocument, {});
        const newest = auditLog.edges[0]?.node.revision;
        if (revision !== undefined && newest !== revision) void refresh();
        revision = newest;
      } catch {
        // The banner says that the connection is lost. Whatever was missed is read after it.
        revision = '';
      } finally {
        isAsking = false;
      }
    };
    const timer = setInterval(look, 100);
    const close = hearsRoutes
      ? openStream(RoutesChangedDocument, {}, { onEvent: () => void refresh(), onRefused: () => undefined })
      : undefined;
    return () => {
      clearInterval(timer);
      close?.();
    };
  }, [client, readsLog, hearsRoutes]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
