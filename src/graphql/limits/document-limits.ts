import {
  type DefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  Lexer,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql';
import { RegistryError } from '../../errors.js';

/**
 * Limits on a document, checked before it is validated: parsing and validation take longer than linear time for some
 * documents. docs/api.md lists them.
 */
const documentLimits = {
  tokens: 15_000,
  /** Brackets of any kind within each other. */
  nesting: 50,
  operations: 10,
  fragments: 50,
  /** Fields within each other, fragments included. */
  depth: 20,
  /** Fields of one operation after its fragments are put in. */
  fields: 10_000,
  /** Fragments in one selection. */
  spreads: 20,
  /** Fields that a selection of the document names again under the same key. */
  repeats: 50,
  /** Aliases of one field in one selection. */
  aliases: 100,
  /** Aliases of tenantSchema in one selection: the most keys that tenantSchemas takes. */
  routes: 500,
  /** Directives in one place. */
  directivesInPlace: 4,
  /** Directives of the document. */
  directives: 200,
} as const;

export function tooComplex(problem: string, action = 'split the request into smaller ones'): RegistryError {
  return new RegistryError('QUERY_TOO_COMPLEX', `${problem}: ${action}`);
}

/** Checks the text before it is parsed: the parser calls itself for each bracket. Throws QUERY_TOO_COMPLEX. */
export function requireShortText(query: string): void {
  const lexer = new Lexer(new Source(query));
  let tokens = 0;
  let nesting = 0;
  for (let kind = advance(lexer); kind !== undefined && kind !== TokenKind.EOF; kind = advance(lexer)) {
    if (++tokens > documentLimits.tokens)
      throw tooComplex(`The document has more than ${documentLimits.tokens} tokens`);
    if (kind === TokenKind.BRACE_L || kind === TokenKind.PAREN_L || kind === TokenKind.BRACKET_L) nesting++;
    if (kind === TokenKind.BRACE_R || kind === TokenKind.PAREN_R || kind === TokenKind.BRACKET_R) nesting--;
    if (nesting > documentLimits.nesting)
      throw tooComplex(
        `The document has more than ${documentLimits.nesting} brackets within each other`,
        'ask for a flatter selection',
      );
  }
}

/** Undefined for a syntax error, about which the parser has the words. */
function advance(lexer: Lexer): TokenKind | undefined {
  try {
    return lexer.advance().kind;
  } catch {
    return undefined;
  }
}

/** Checks the document before it is validated. Throws QUERY_TOO_COMPLEX. */
export function requireSimpleDocument(document: DocumentNode): void {
  const count = (kind: Kind) => document.definitions.filter((definition) => definition.kind === kind).length;
  atMost('operations', count(Kind.OPERATION_DEFINITION));
  atMost('fragments', count(Kind.FRAGMENT_DEFINITION));
  new DocumentMeasure(document).check();
}

/** The extent of a selection, with its fragments put in. */
interface Extent {
  depth: number;
  fields: number;
}

class DocumentMeasure {
  readonly #definitions: readonly DefinitionNode[];
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #extents = new Map<string, Extent>();
  #repeats = 0;
  #directives = 0;

  constructor({ definitions }: DocumentNode) {
    this.#definitions = definitions;
    for (const definition of definitions)
      if (definition.kind === 'FragmentDefinition') this.#fragments.set(definition.name.value, definition);
  }

  check(): void {
    for (const definition of this.#definitions) {
      if (definition.kind === 'FragmentDefinition') this.#ofFragment(definition.name.value);
      if (definition.kind !== 'OperationDefinition') continue;
      this.#countDirectives(definition.directives);
      for (const variable of definition.variableDefinitions ?? []) this.#countDirectives(variable.directives);
      this.#ofSelection(definition.selectionSet);
    }
  }

  #ofFragment(name: string): Extent {
    const known = this.#extents.get(name);
    if (known) return known;
    // Counts for a cycle, which validation refuses.
    this.#extents.set(name, { depth: 0, fields: 0 });
    const fragment = this.#fragments.get(name);
    if (!fragment) return { depth: 0, fields: 0 };
    this.#countDirectives(fragment.directives);
    const extent = this.#ofSelection(fragment.selectionSet);
    this.#extents.set(name, extent);
    return extent;
  }

  #ofSelection(selectionSet: SelectionSetNode): Extent {
    const seen = { keys: new Set<string>(), aliases: new Map<string, number>(), spreads: 0 };
    const extent = { depth: 0, fields: 0 };
    const add = (one: Extent) => {
      extent.depth = Math.max(extent.depth, one.depth);
      extent.fields += one.fields;
      atMost('depth', extent.depth);
      atMost('fields', extent.fields);
    };
    const addEach = ({ selections }: SelectionSetNode, condition: string) => {
      for (const selection of selections) {
        this.#countDirectives(selection.directives);
        if (selection.kind === 'Field') {
          this.#countKey(selection, `${condition} ${keyOf(selection)}`, seen);
          const below = selection.selectionSet && this.#ofSelection(selection.selectionSet);
          add({ depth: 1 + (below?.depth ?? 0), fields: 1 + (below?.fields ?? 0) });
        } else {
          atMost('spreads', ++seen.spreads);
          if (selection.kind === 'FragmentSpread') add(this.#ofFragment(selection.name.value));
          else addEach(selection.selectionSet, selection.typeCondition?.name.value ?? condition);
        }
      }
    };
    addEach(selectionSet, '');
    return extent;
  }

  #countKey(field: FieldNode, key: string, seen: { keys: Set<string>; aliases: Map<string, number> }): void {
    if (seen.keys.has(key)) atMost('repeats', ++this.#repeats);
    seen.keys.add(key);
    if (!field.alias) return;
    const name = field.name.value;
    const aliases = (seen.aliases.get(name) ?? 0) + 1;
    seen.aliases.set(name, aliases);
    atMost(name === 'tenantSchema' ? 'routes' : 'aliases', aliases);
  }

  #countDirectives(directives: readonly DirectiveNode[] | undefined): void {
    if (!directives?.length) return;
    atMost('directivesInPlace', directives.length);
    this.#directives += directives.length;
    atMost('directives', this.#directives);
  }
}

const descriptions: Partial<Record<keyof typeof documentLimits, (limit: number) => string>> = {
  operations: (limit) => `The document has more than ${limit} operations`,
  fragments: (limit) => `The document has more than ${limit} fragments`,
  depth: (limit) => `The document has more than ${limit} fields within each other`,
  fields: (limit) => `The document selects more than ${limit} fields`,
  spreads: (limit) => `A selection of the document has more than ${limit} fragments`,
  repeats: (limit) => `The document repeats more than ${limit} fields under the same name`,
  aliases: (limit) => `A selection of the document has more than ${limit} aliases of one field`,
  routes: (limit) => `A selection of the document has more than ${limit} aliases of tenantSchema`,
  directivesInPlace: (limit) => `The document has more than ${limit} directives in one place`,
  directives: (limit) => `The document has more than ${limit} directives`,
};

function atMost(name: keyof typeof documentLimits, count: number): void {
  const limit = documentLimits[name];
  if (count > limit) throw tooComplex(descriptions[name]?.(limit) ?? `The document exceeds ${name} ${limit}`);
}

function keyOf({ alias, name }: FieldNode): string {
  return (alias ?? name).value;
}
