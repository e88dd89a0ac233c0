import { viewChanges } from '../../auth/change-view.js';
import { mayResolveAny } from '../../auth/permissions.js';
import { RegistryError } from '../../errors.js';
import { formatRevision, readRevision } from '../../registry/revision.js';
import { auditEventKind } from '../audit/audit-event-kind.js';
import { builder } from '../builder.js';

interface RouteChange {
  type: 'CHANGE' | 'REFUSALS' | 'RESYNC';
  revision: string;
  position: number;
  kind: string | null;
  tenantId: string | null;
  tenantSlug: string | null;
  externalIds: readonly string[];
  module: string | null;
}

const unnamed = { kind: null, tenantId: null, tenantSlug: null, externalIds: [], module: null };

const RouteChangeType = builder.enumType('RouteChangeType', {
  description: 'Kind of an event of routesChanged.',
  values: {
    CHANGE: { description: 'A row has changed; discard the cached data about it.' },
    REFUSALS: {
      description:
        'A tenant changed that has no subscription to a module of the caller, so its id is not part of the event; ' +
        'discard the cached refusals.',
    },
    RESYNC: {
      description: 'The stream cannot continue; discard all cached data.',
    },
  } as const,
});

const RouteChange = builder.objectRef<RouteChange>('RouteChange').implement({
  description: 'Event of routesChanged.',
  fields: (t) => ({
    type: t.field({ type: RouteChangeType, description: 'Kind of the event.', resolve: ({ type }) => type }),
    revision: t.expose('revision', {
      type: 'Revision',
      description:
        'Position of the stream after this event. To continue later, pass it as `since` and `position` as ' +
        '`sincePosition`.',
    }),
    position: t.exposeInt('position', { description: 'Position of the change within its revision, from 0.' }),
    kind: t.field({
      type: auditEventKind.type,
      nullable: true,
      description: 'Kind of change as in the audit log; null for other types.',
      resolve: ({ kind }) => kind && auditEventKind.read(kind),
    }),
    kindText: t.exposeString('kind', {
      nullable: true,
      description: 'Name of the kind of change, such as `tenant.suspended`; null for other types.',
    }),
    tenantId: t.exposeID('tenantId', {
      nullable: true,
      description: 'Id of the changed tenant; null for a module and for other types.',
    }),
    tenantSlug: t.exposeString('tenantSlug', { nullable: true, description: 'Slug of the changed tenant.' }),
    externalIds: t.field({
      type: ['String'],
      description:
        'External ids of the changed tenant, with removed ones: discard the data that is cached under any of them. ' +
        'Empty for a module and for other types.',
      resolve: ({ externalIds }) => externalIds,
    }),
    module: t.expose('module', {
      type: 'ModuleName',
      nullable: true,
      description: 'Name of the changed module.',
    }),
  }),
});

builder.subscriptionType({
  description: 'Event streams by Server-Sent Events (`Accept: text/event-stream`).',
});

builder.subscriptionField('routesChanged', (t) =>
  t.field({
    type: RouteChange,
    description:
      'Changes of tenants, subscriptions, modules and configurations, in order and without a gap, or one ' +
      'RESYNC when the stream cannot continue. A revision that changed several rows produces several ' +
      'events. A caller without registry:read sees only tenants with a subscription to a module that it may resolve, and ' +
      'REFUSALS for others. The stream ends with an UNAUTHENTICATED error when the API key or token of the caller ends. ' +
      'Scope: any resolve scope.',
    args: {
      since: t.arg({
        type: 'Revision',
        description: 'Revision after which the stream starts. Default: the newest.',
      }),
      sincePosition: t.arg.int({
        description:
          'Position within the revision `since` after which the stream starts. Default: the end of that revision.',
      }),
    },
    subscribe: (_root, { since, sincePosition }, { caller, shared }) => {
      if (!mayResolveAny(caller))
        throw new RegistryError('FORBIDDEN', 'This needs a key with a resolve scope');
      const point = since == null ? undefined : readRevision(since);
      const position = sincePosition ?? undefined;
      return shared.changes.subscribe(
        point && { epoch: point.epoch, revision: point.number, position },
        viewChanges(caller),
      );
    },
    resolve: (event): RouteChange => {
      if (event.kind !== 'change') {
        const { kind: type, epoch, revision } = event;
        return {
          type: type === 'resync' ? 'RESYNC' : 'REFUSALS',
          revision: formatRevision({ epoch, number: revision }),
          position: event.kind === 'resync' ? 0 : event.position,
          ...unnamed,
        };
      }
      const { change } = event;
      const revision = formatRevision({ epoch: event.epoch, number: change.revision });
      const { position, kind, tenantId, tenantSlug, externalIds, module } = change;
      return { type: 'CHANGE', revision, position, kind, tenantId, tenantSlug, externalIds, module };
    },
  }),
);
