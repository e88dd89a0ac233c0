import { authorize } from '../../auth/permissions.js';
import type { ClientConfig as ClientConfigShape } from '../../importing/yaml/client-configs.js';
import type { FileProblem } from '../../importing/yaml/client-file.js';
import type { ReplacedSecret } from '../../importing/yaml/client-secrets.js';
import type { ListEntry } from '../../registry/lists/list-cursor.js';
import type { ListPage } from '../../registry/lists/list-page-sql.js';
import { isSlug } from '../../registry/slug.js';
import { isStorable } from '../../registry/values/storable-text.js';
import { builder } from '../builder.js';
import { KeysetPage, readPage } from '../fields/keyset-page.js';
import { Tenant } from './tenant.js';

const ClientFileProblem = builder.objectRef<FileProblem>('ClientFileProblem').implement({
  description: 'A mistake in a client.yaml file.',
  fields: (t) => ({
    path: t.exposeString('path', {
      nullable: true,
      description: 'Key with the mistake, such as `email.primary`; null when the whole file is affected.',
    }),
    line: t.exposeInt('line', { nullable: true, description: 'Line of the mistake, from 1.' }),
    column: t.exposeInt('column', { nullable: true, description: 'Column of the mistake, from 1.' }),
    message: t.exposeString('message', {
      description: 'Explanation for people. It contains no text from the file.',
    }),
  }),
});

const ReplacedValue = builder.objectRef<ReplacedSecret>('ReplacedValue').implement({
  description:
    'A secret that a client.yaml file contains as plain text. The gateway serves a reference in its ' +
    'place, or leaves it out.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'Key that holds the secret.' }),
    line: t.exposeInt('line', { description: 'Line of the secret, from 1.' }),
    reference: t.exposeString('reference', {
      nullable: true,
      description: `Reference that is served instead, such as \`\${ACME_SMTP_PASSWORD}\`; null when the secret is left out.`,
    }),
    why: t.exposeString('why', { description: 'Reason why the value counts as a secret.' }),
  }),
});

const ClientConfig = builder.objectRef<ClientConfigShape>('ClientConfig').implement({
  description:
    'Configuration in a folder of CLIENTS_DIR. While a tenant’s `configSource` is YAML, this is also its ' +
    '`Tenant.config`; a folder without a tenant does not resolve. A changed file is usually served at ' +
    'once, and after a few seconds at the latest.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Name of the folder; also the slug of the tenant if there is one.' }),
    config: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'Latest content of the file without a mistake, with secrets replaced by references; null when there was none yet.',
      resolve: ({ config }) => config ?? null,
    }),
    readAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When this gateway read `config` from the file.',
      resolve: ({ readAt }) => readAt ?? null,
    }),
    problems: t.field({
      type: [ClientFileProblem],
      description:
        'Mistakes in the current file. While there are any, the latest content without a mistake is served.',
      resolve: ({ problems }) => problems,
    }),
    replaced: t.field({
      type: [ReplacedValue],
      description: 'Secrets in the file and the references that are served in their place.',
      resolve: ({ secrets }) => secrets,
    }),
    unknownKeys: t.exposeStringList('unknownKeys', {
      description:
        'Keys that are not part of the configuration’s schema; they are served under `extensions`.',
    }),
    tenant: t.prismaField({
      type: Tenant,
      nullable: true,
      description: 'The tenant with this slug; null for a folder without a tenant.',
      resolve: (query, { id }, _args, context) =>
        isSlug(id) ? context.prisma.tenant.findUnique({ ...query, where: { slug: id } }) : null,
    }),
  }),
});

const ClientConfigConnection = builder.connectionObject(
  { type: ClientConfig, name: 'ClientConfigConnection', description: 'A page of client.yaml files.' },
  { name: 'ClientConfigEdge', description: 'A client.yaml file with its cursor.' },
);

const byId = { list: 'clientConfigs', field: 'id', isId: isStorable, isDescending: false } as const;

builder.queryFields((t) => ({
  clientConfig: t.field({
    type: ClientConfig,
    nullable: true,
    description:
      'The client.yaml of one folder of CLIENTS_DIR, with or without a tenant; null when there is no such ' +
      'folder. Scope: registry:read.',
    args: { id: t.arg.id({ required: true, description: 'Name of the folder.' }) },
    resolve: (_root, { id }, { caller, shared }) => {
      authorize(caller, 'readRegistry');
      return shared.clients?.find(id) ?? null;
    },
  }),
  clientConfigs: t.connection(
    {
      type: ClientConfig,
      description:
        'The client.yaml files of CLIENTS_DIR, ordered by id; empty when CLIENTS_DIR is not set. Scope: registry:read.',
      args: {
        withProblems: t.arg.boolean({
          description: 'If true, only files with a mistake. Default: all files.',
        }),
      },
      resolve: (_root, { withProblems, ...page }, { caller, shared }) => {
        authorize(caller, 'readRegistry');
        const all = shared.clients?.all() ?? [];
        const listed = withProblems ? all.filter(({ problems }) => problems.length > 0) : all;
        return new KeysetPage(readPage(page, byId), {
          list: async (wanted) => cutPage(listed, wanted),
        });
      },
    },
    ClientConfigConnection,
  ),
}));

/** A page of files, which are in memory in the order of their ids. */
function cutPage(
  files: readonly ClientConfigShape[],
  { after, before, isFromEnd, limit }: ListPage,
): ListEntry<ClientConfigShape>[] {
  const within = files.filter(({ id }) => (!after || id > after.value) && (!before || id < before.value));
  return (isFromEnd ? within.toReversed() : within)
    .slice(0, limit)
    .map((node) => ({ id: node.id, value: node.id, node }));
}
