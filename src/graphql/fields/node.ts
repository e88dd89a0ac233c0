import { builder } from '../builder.js';

/** A row with the type that the query `node` names: Node has no other way to tell it. */
export interface TypedNode {
  id: string;
  nodeType: string;
}

// Each type has its own field `id`, so nothing is asked of the shape of its objects.
export const Node = builder.interfaceRef<object>('Node').implement({
  description: 'An object that `node` reads by its id, which no object of another type has.',
  resolveType: (node) => (node as TypedNode).nodeType,
  fields: (t) => ({
    id: t.id({
      description: 'UUID; of a module, `module:` and its name.',
      resolve: (node) => (node as TypedNode).id,
    }),
  }),
});
