import { authorize } from '../auth/permissions.js';
import type { ClientConfig as ClientConfigShape } from '../importing/yaml/client-configs.js';
import type { FileProblem } from '../importing/yaml/client-file.js';
import type { ReplacedSecret } from '../importing/yaml/client-secrets.js';
import { isSlug } from '../registry/slug.js';
import { builder } from './builder.js';
import { Tenant } from './tenant.js';

const ClientFileProblem = builder.objectRef<FileProblem>('ClientFileProblem').implement({
  description: 'What is wrong in a client.yaml.',
  fields: (t) => ({
    path: t.exposeString('path', {
      nullable: true,
      description: 'Key it is about, such as `email.primary`; null: the file.',
    }),
    line: t.exposeInt('line', { nullable: true, description: 'Line in the file, from 1.' }),
    column: t.exposeInt('column', { nullable: true, description: 'Column in that line, from 1.' }),
    message: t.exposeString('message', { description: 'For people; holds nothing of the file.' }),
  }),
});

const ReplacedValue = builder.objectRef<ReplacedSecret>('ReplacedValue').implement({
  description: 'A secret that stands in a client.yaml as text, and is served as a reference or not at all.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'Key it stands under.' }),
    line: t.exposeInt('line', { description: 'Line in the file, from 1.' }),
    reference: t.exposeString('reference', {
      nullable: true,
      description: `What is served instead, such as \`\${ACME_SMTP_PASSWORD}\`; null: it is left out.`,
    }),
    why: t.exposeString('why', { description: 'What it looks like.' }),
  }),
});

const ClientConfig = builder.objectRef<ClientConfigShape>('ClientConfig').implement({
  description:
    'A folder of CLIENTS_DIR. While a tenant’s `configSource` is YAML, this is its `Tenant.config`; a folder without a tenant is ' +
    'served here alone and resolves to nothing. A change of the file is served at once as a rule, after some seconds at the latest.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Name of the folder; slug of the tenant, when there is one.' }),
    config: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The last content without a mistake, secrets as references; null when there was none yet.',
      resolve: ({ config }) => config ?? null,
    }),
    readAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When this gateway read that content.',
      resolve: ({ readAt }) => readAt ?? null,
    }),
    problems: t.field({
      type: [ClientFileProblem],
      description:
        'Mistakes in the file as it stands now; while there are any, what it said before is served.',
      resolve: ({ problems }) => problems,
    }),
    replaced: t.field({
      type: [ReplacedValue],
      description: 'Secrets in it, by the references that are served instead.',
      resolve: ({ secrets }) => secrets,
    }),
    unknownKeys: t.exposeStringList('unknownKeys', {
      description: 'Keys that no configuration knows; served under `extensions`.',
    }),
    tenant: t.prismaField({
      type: Tenant,
      nullable: true,
      description: 'The tenant with that slug; null: a folder without a tenant.',
      resolve: (query, { id }, _args, { prisma }) =>
        isSlug(id) ? prisma.tenant.findUnique({ ...query, where: { slug: id } }) : null,
    }),
  }),
});

builder.queryFields((t) => ({
  clientConfig: t.field({
    type: ClientConfig,
    nullable: true,
    description:
      'A client.yaml of CLIENTS_DIR, with or without a tenant; null when there is no such folder. Scope: registry:read.',
    args: { id: t.arg.id({ required: true, description: 'Name of the folder.' }) },
    resolve: (_root, { id }, { caller, shared }) => {
      authorize(caller, 'readRegistry');
      return shared.clients?.find(id) ?? null;
    },
  }),
  clientConfigs: t.field({
    type: [ClientConfig],
    description:
      'The client.yaml files of CLIENTS_DIR, by id; empty without that folder. Scope: registry:read.',
    args: {
      withProblems: t.arg.boolean({ description: 'true: only those with a mistake. Left out: all.' }),
    },
    resolve: (_root, { withProblems }, { caller, shared }) => {
      authorize(caller, 'readRegistry');
      const all = shared.clients?.all() ?? [];
      return withProblems ? all.filter(({ problems }) => problems.length > 0) : all;
    },
  }),
}));
