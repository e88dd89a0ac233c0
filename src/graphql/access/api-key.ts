import { queryFromInfo } from '@pothos/plugin-prisma';
import { countApiKeys, listApiKeyPage, readApiKeySelection } from '../../registry/access/api-key-record.js';
import { createApiKey } from '../../registry/commands/create-api-key.js';
import { revokeApiKey } from '../../registry/commands/revoke-api-key.js';
import {
  defaultOverlapSeconds,
  maxOverlapSeconds,
  rotateApiKey,
} from '../../registry/commands/rotate-api-key.js';
import { builder } from '../builder.js';
import { CountedPage, readPage } from '../fields/keyset-page.js';
import { waitField } from '../fields/mutation-input.js';
import { Node } from '../fields/node.js';
import { authorized } from '../fields/page.js';
import type { PayloadFields } from '../fields/revision-field.js';
import { mutation } from '../mutation.js';

const ApiKey = builder.prismaObject('ApiKey', {
  interfaces: [Node],
  description:
    'A credential of a service or a script. Its secret is shown once, when the key is created; the ' +
    'registry keeps only a hash.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID. Entries of the audit log name the key as `api-key:<id>`.' }),
    name: t.exposeString('name', { description: 'Name of the key’s owner.' }),
    scopes: t.expose('scopes', { type: ['Scope'], description: 'Scopes of the key.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the key was created.' }),
    createdBy: t.exposeString('createdBy', {
      nullable: true,
      description: 'Actor that created the key, as in the audit log.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the key expires; requests with an expired key are rejected. Null: it never expires.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the key was revoked; requests with a revoked key are rejected. Null: it is not revoked.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the key was last used, to the minute.',
    }),
  }),
});

const ApiKeyFilter = builder.inputType('ApiKeyFilter', {
  description: 'Conditions on API keys; a key must meet all of them.',
  fields: (t) => ({
    expiresBefore: t.field({
      type: 'DateTime',
      description: 'Only keys that expire before this time. Keys that never expire are left out.',
    }),
    isActive: t.boolean({
      description:
        'True: only keys that are neither revoked nor expired. False: only revoked and expired keys.',
    }),
  }),
});

builder.queryField('apiKeys', (t) =>
  authorized(
    'listApiKeys',
    t.connection(
      {
        type: ApiKey,
        description:
          'All API keys, revoked and expired ones included, newest first. Scope: keys:manage. Errors: VALIDATION_ERROR.',
        args: {
          filter: t.arg({ type: ApiKeyFilter, description: 'Conditions on the API keys. Default: none.' }),
        },
        resolve: (_root, { filter, ...page }, context, info) => {
          // The rows are complete, so Pothos does not read them again.
          queryFromInfo({ context, info, path: ['edges', 'node'] });
          const { database } = context.commands;
          const selection = readApiKeySelection(filter);
          return new CountedPage(
            readPage(page, { list: 'apiKeys', field: 'createdAt', isDescending: true }),
            {
              list: (listed) => listApiKeyPage(database, selection, listed),
              count: () => countApiKeys(database, selection),
            },
          );
        },
      },
      {
        name: 'ApiKeyConnection',
        description: 'A page of API keys.',
        fields: (t) => ({
          totalCount: t.int({
            description: 'Number of API keys that meet the filter, on all pages.',
            resolve: (page) => page.count,
          }),
        }),
      },
      { name: 'ApiKeyEdge', description: 'An API key with its cursor.' },
    ),
  ),
);

function apiKeyField<Shape extends { apiKeyId: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: ApiKey,
    description: 'The API key after the change.',
    resolve: (query, { apiKeyId }, _args, context) =>
      context.prisma.apiKey.findUniqueOrThrow({ ...query, where: { id: apiKeyId } }),
  });
}

function secretField<Shape extends { secret: string | null }>(t: PayloadFields<Shape>) {
  return t.string({
    nullable: true,
    description:
      'Secret for `Authorization: Bearer <secret>`. It is shown only now: when a request is repeated with ' +
      'the same idempotency key, the field is null.',
    resolve: ({ secret }) => secret,
  });
}

mutation('createApiKey', {
  command: createApiKey,
  description:
    'Creates an API key. Scope: keys:manage. Errors: FORBIDDEN for scopes that the caller does not hold, and for a ' +
    'token that would create a key with keys:manage.',
  input: (t) => ({
    name: t.string({ required: true, description: 'Name of the key’s owner, at most 100 characters.' }),
    scopes: t.field({
      type: ['Scope'],
      required: true,
      description: 'Scopes of the new key, at most 50. A caller can only grant its own scopes.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description:
        'When the new key expires. Default: after `API_KEY_LIFETIME_DAYS`, one year where that is not set. A key that a ' +
        'token creates expires after `TOKEN_KEY_LIFETIME_DAYS` at the latest.',
    }),
    wait: waitField(t),
  }),
  payload: (t) => ({
    apiKey: apiKeyField(t),
    secret: secretField(t),
  }),
  payloadDescription: 'Result of createApiKey: the new key and its secret.',
});

mutation('revokeApiKey', {
  command: revokeApiKey,
  description:
    'Revokes an API key: requests with it are rejected from now on, and its streams end. Scope: keys:manage, and ' +
    'the scopes of the key. Errors: FORBIDDEN, NOT_FOUND.',
  input: (t) => ({
    id: t.id({ required: true, description: 'UUID of the API key.' }),
    wait: waitField(t),
  }),
  payload: (t) => ({
    apiKey: apiKeyField(t),
  }),
});

mutation('rotateApiKey', {
  command: rotateApiKey,
  description:
    'Replaces an API key by a new one with the same name and scopes. The previous key expires after the overlap. ' +
    'Scope: keys:manage, and the scopes of the key. Errors: FORBIDDEN, NOT_FOUND, ' +
    'CONFLICT for a revoked or expired key.',
  input: (t) => ({
    id: t.id({ required: true, description: 'UUID of the API key to replace.' }),
    overlapSeconds: t.int({
      description:
        `How long the previous key is still accepted, in seconds, at most ${maxOverlapSeconds}. Default: ` +
        `${defaultOverlapSeconds}, one day. 0 ends it at once.`,
    }),
    wait: waitField(t),
  }),
  payload: (t) => ({
    apiKey: apiKeyField(t),
    secret: secretField(t),
    previous: t.prismaField({
      type: ApiKey,
      description: 'The previous key; `expiresAt` is the end of the overlap.',
      resolve: (query, { previousId }, _args, context) =>
        context.prisma.apiKey.findUniqueOrThrow({ ...query, where: { id: previousId } }),
    }),
  }),
  payloadDescription: 'Result of rotateApiKey: the new key, its secret and the previous key.',
});
