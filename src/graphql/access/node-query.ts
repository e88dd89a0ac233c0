import type { Caller } from '../../auth/caller.js';
import { may, mayInTenant } from '../../auth/permissions.js';
import { invalidField } from '../../errors.js';
import { findNodes, loadModules, type NodeRecord, type NodeType, nodeLoaders } from '../../registry/nodes.js';
import { builder } from '../builder.js';
import type { GraphqlContext } from '../context.js';
import { Node, type TypedNode } from '../fields/node.js';
import { moduleIdPrefix } from '../modules/module.js';

const maxNodes = 100;
/** As the queries that read one object of the type; a row that the caller may not read is one that is not there. */
function mayRead(caller: Caller, { type, tenantId }: NodeRecord): boolean {
  return type === 'ApiKey'
    ? may(caller, 'listApiKeys')
    : mayInTenant(caller, 'readTenant', tenantId ?? undefined);
}

/** The objects in the order of the ids; null where there is none for the caller. */
async function loadNodes(context: GraphqlContext, ids: readonly string[]): Promise<(TypedNode | null)[]> {
  const records = (await findNodes(context.commands.database, ids)).filter((node) =>
    mayRead(context.caller, node),
  );
  const idsOf = (type: NodeType) => records.filter((node) => node.type === type).map(({ id }) => id);
  const types = Object.keys(nodeLoaders) as NodeType[];
  const loaded = await Promise.all([
    ...types.map(async (nodeType) => {
      const wanted = idsOf(nodeType);
      const rows = wanted.length > 0 ? await nodeLoaders[nodeType](context.prisma, wanted) : [];
      return rows.map((row): TypedNode => ({ ...row, nodeType }));
    }),
    loadModuleNodes(context, ids),
  ]);
  const byId = new Map(loaded.flat().map((node) => [node.id, node]));
  return ids.map((id) => byId.get(id) ?? byId.get(id.toLowerCase()) ?? null);
}

async function loadModuleNodes(
  { caller, prisma }: GraphqlContext,
  ids: readonly string[],
): Promise<TypedNode[]> {
  const names = ids.flatMap((id) => (id.startsWith(moduleIdPrefix) ? [id.slice(moduleIdPrefix.length)] : []));
  if (names.length === 0 || !may(caller, 'readRegistry')) return [];
  const modules = await loadModules(prisma, names);
  return modules.map((module) => ({ ...module, id: `${moduleIdPrefix}${module.name}`, nodeType: 'Module' }));
}

const rights =
  'Scope: registry:read, or a member of the tenant; for API keys keys:manage. An object that the caller may not read is null.';

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    nullable: true,
    description: `An object by its id; null when there is none. ${rights}`,
    args: { id: t.arg.id({ required: true, description: 'Id of the object, as its field `id`.' }) },
    resolve: async (_root, { id }, context) => (await loadNodes(context, [id]))[0] ?? null,
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: `Objects by their ids, in that order; null for an id without an object. ${rights} Errors: VALIDATION_ERROR.`,
    args: {
      ids: t.arg.idList({ required: true, description: `Ids of the objects, at most ${maxNodes}.` }),
    },
    resolve: (_root, { ids }, context) => {
      if (ids.length > maxNodes) throw invalidField('ids', `must have at most ${maxNodes} ids`);
      return loadNodes(context, ids);
    },
  }),
}));
