import { type DocumentNode, visit } from 'graphql';

const known = new WeakMap<DocumentNode, boolean>();

/**
 * Whether a document asks about the schema. Looked at per request and not as a validation rule: validated documents
 * are cached for all callers, and the next caller may not be allowed to.
 */
export function asksForSchema(document: DocumentNode): boolean {
  const found = known.get(document);
  if (found !== undefined) return found;
  let asks = false;
  visit(document, {
    Field({ name }) {
      if (name.value === '__schema' || name.value === '__type') asks = true;
    },
  });
  known.set(document, asks);
  return asks;
}
