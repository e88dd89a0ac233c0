import { authorize } from '../../auth/permissions.js';
import { type SlugSuggestion, suggestSlug } from '../../registry/slug-suggestion.js';
import { builder } from '../builder.js';

const SlugSuggestionType = builder.objectRef<SlugSuggestion>('SlugSuggestion').implement({
  description: 'The slug that follows from a name.',
  fields: (t) => ({
    slug: t.exposeString('slug', {
      description: 'Slug that registerTenant and provisionTenant give a tenant of this name.',
    }),
    isAvailable: t.exposeBoolean('isAvailable', {
      description:
        'Whether no tenant has the slug, deleted and purged ones included. Nothing reserves it: a registration may ' +
        'still be refused with CONFLICT.',
    }),
  }),
});

builder.queryField('slugSuggestion', (t) =>
  t.field({
    type: SlugSuggestionType,
    description:
      'The slug for a name of a tenant, before it is registered. Scope: registry:read. Errors: VALIDATION_ERROR when no ' +
      'slug can be derived from the name.',
    args: {
      name: t.arg.string({ required: true, description: 'Name of the new tenant, at most 200 characters.' }),
    },
    resolve: (_root, { name }, { caller, commands }) => {
      authorize(caller, 'readRegistry');
      return suggestSlug(commands.database, { name });
    },
  }),
);
