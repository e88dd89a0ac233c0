import { mayResolveAny } from '../auth/permissions.js';
import { RegistryError } from '../errors.js';
import { formatRevision, readRevision } from '../registry/revision.js';
import { builder } from './builder.js';

interface RouteChange {
  type: 'CHANGE' | 'RESYNC';
  revision: string;
  position: number;
  kind: string | null;
  tenantId: string | null;
  tenantSlug: string | null;
  module: string | null;
}

const RouteChangeType = builder.enumType('RouteChangeType', {
  description: 'What an event of routesChanged says.',
  values: {
    CHANGE: { description: 'Something was changed; what is cached about it counts no more.' },
    RESYNC: {
      description: 'The stream cannot go on from where it was: what is cached at all counts no more.',
    },
  } as const,
});

const RouteChange = builder.objectRef<RouteChange>('RouteChange').implement({
  description: 'An event of routesChanged.',
  fields: (t) => ({
    type: t.field({ type: RouteChangeType, description: 'What it says.', resolve: ({ type }) => type }),
    revision: t.expose('revision', {
      type: 'Revision',
      description:
        'Where the stream stands with it. Give the last one back as `since`, and its `position` as `sincePosition`, to go ' +
        'on from there.',
    }),
    position: t.exposeInt('position', { description: 'Place within its revision, from 0.' }),
    kind: t.exposeString('kind', {
      nullable: true,
      description: 'As in the audit log, such as `tenant.suspended`.',
    }),
    tenantId: t.exposeID('tenantId', {
      nullable: true,
      description: 'The tenant; null for a module and a RESYNC.',
    }),
    tenantSlug: t.exposeString('tenantSlug', { nullable: true, description: 'Slug of that tenant.' }),
    module: t.expose('module', {
      type: 'ModuleName',
      nullable: true,
      description: 'The module it is about.',
    }),
  }),
});

builder.subscriptionType({ description: 'Events, by Server-Sent Events (`Accept: text/event-stream`).' });

builder.subscriptionField('routesChanged', (t) =>
  t.field({
    type: RouteChange,
    description:
      'What changes in tenants, subscriptions, modules and configurations, in order and without a gap; or one RESYNC where ' +
      'the stream cannot go on. A revision that changed several rows is several events. Scope: any resolve scope.',
    args: {
      since: t.arg({ type: 'Revision', description: 'Go on after this revision; default from now on.' }),
      sincePosition: t.arg.int({
        description: 'Go on within that revision, after this place in it; default after all of it.',
      }),
    },
    subscribe: (_root, { since, sincePosition }, { caller, shared }) => {
      if (!mayResolveAny(caller))
        throw new RegistryError('FORBIDDEN', 'This needs a key with a resolve scope');
      const point = since == null ? undefined : readRevision(since);
      const position = sincePosition ?? undefined;
      return shared.changes.subscribe(point && { epoch: point.epoch, revision: point.number, position });
    },
    resolve: (event): RouteChange => {
      if (event.kind === 'resync') {
        const revision = formatRevision({ epoch: event.epoch, number: event.revision });
        return {
          type: 'RESYNC',
          revision,
          position: 0,
          kind: null,
          tenantId: null,
          tenantSlug: null,
          module: null,
        };
      }
      const { change } = event;
      const revision = formatRevision({ epoch: event.epoch, number: change.revision });
      const { position, kind, tenantId, tenantSlug, module } = change;
      return { type: 'CHANGE', revision, position, kind, tenantId, tenantSlug, module };
    },
  }),
);
