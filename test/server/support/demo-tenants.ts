import type { ServingProcess } from '../../setup/process.js';

interface Listed {
  slug: string;
  status: string;
  modulesSubscribed: string[];
}

/** The tenants of a first start. */
export const demo: Listed[] = [
  { slug: 'demo-harbour', status: 'ACTIVE', modulesSubscribed: ['finance', 'operations'] },
  { slug: 'demo-savanna', status: 'ACTIVE', modulesSubscribed: ['inventory', 'operations'] },
];

export async function tenantsOf(gateway: ServingProcess): Promise<Listed[]> {
  const { body } = await gateway.ask(
    '{ tenants(orderBy: { field: SLUG }) { edges { node { slug status modulesSubscribed } } } }',
  );
  const listed: { node: Listed }[] = body.data.tenants.edges;
  return listed.map(({ node }) => ({ ...node, modulesSubscribed: node.modulesSubscribed.toSorted() }));
}
