import { scopeList } from '../auth/permissions.js';
import { createApiKey } from '../registry/commands/create-api-key.js';
import { revokeApiKey } from '../registry/commands/revoke-api-key.js';
import { builder } from './builder.js';
import { execute } from './context.js';
import { idempotencyKeyField } from './mutation-input.js';
import { type PayloadFields, revisionField } from './revision-field.js';

const ApiKey = builder.prismaObject('ApiKey', {
  description: 'What a service or a script shows to be let in. Its secret is shown once and kept as a hash.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID; the audit log’s actor is `api-key:<id>`.' }),
    name: t.exposeString('name', { description: 'Whose it is.' }),
    scopes: t.exposeStringList('scopes', { description: `What it opens: ${scopeList}.` }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    createdBy: t.exposeString('createdBy', {
      nullable: true,
      description: 'Who made it, as in the audit log.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'From when it opens nothing.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when it opens nothing.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, to the minute.',
    }),
  }),
});

function apiKeyField<Shape extends { apiKeyId: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: ApiKey,
    description: 'The key.',
    resolve: (query, { apiKeyId }, _args, context) =>
      context.prisma.apiKey.findUniqueOrThrow({ ...query, where: { id: apiKeyId } }),
  });
}

builder.relayMutationField(
  'createApiKey',
  {
    description: 'A new key.',
    inputFields: (t) => ({
      name: t.string({ required: true, description: 'Whose it is, at most 100 characters.' }),
      scopes: t.stringList({
        required: true,
        description: `What it opens: ${scopeList}. No more than the caller’s own.`,
      }),
      expiresAt: t.field({ type: 'DateTime', description: 'From when it opens nothing; default never.' }),
      idempotencyKey: idempotencyKeyField(t),
    }),
  },
  {
    description:
      'Makes an API key. Scope: keys:manage. Errors: FORBIDDEN for scopes the caller does not hold.',
    resolve: (_root, { input }, context) => execute(context, createApiKey, input),
  },
  {
    description: 'The new key with its secret.',
    outputFields: (t) => ({
      apiKey: apiKeyField(t),
      secret: t.exposeString('secret', {
        nullable: true,
        description:
          'For `Authorization: Bearer <secret>`. Shown now and never again: null when a request is repeated.',
      }),
      revision: revisionField(t),
    }),
  },
);

builder.relayMutationField(
  'revokeApiKey',
  {
    description: 'Which key.',
    inputFields: (t) => ({
      id: t.id({ required: true, description: 'Id of the key.' }),
      idempotencyKey: idempotencyKeyField(t),
    }),
  },
  {
    description:
      'Makes a key open nothing from now on. Scope: keys:manage. Errors: VALIDATION_ERROR for an unknown id.',
    resolve: (_root, { input }, context) => execute(context, revokeApiKey, input),
  },
  {
    description: 'The revoked key.',
    outputFields: (t) => ({
      apiKey: apiKeyField(t),
      revision: revisionField(t),
    }),
  },
);
