import type { ExpectedStorage } from '../expected-storage.js';
import { createObservation, type Observation } from '../finding.js';
import type { Difference, DifferenceCode } from './compare-structure.js';
import { describeFacts, textOf, wordsOf } from './part.js';

type Place = Pick<
  ExpectedStorage,
  'tenantId' | 'tenantSlug' | 'module' | 'databaseName' | 'schemaName' | 'asOf'
>;

/** How much of a definition a finding keeps. */
const keptCharacters = 2_000;

/** The finding of a difference. */
export function describeDifference(storage: Place, difference: Difference): Observation {
  const { tenantId, tenantSlug, module, databaseName: database, schemaName: schema, asOf } = storage;
  const { code, kind, name, content, expected, found } = difference;
  const part = {
    objectKind: kind,
    objectName: name,
    expected: expected ? excerpt(describeFacts(expected)) : null,
    found: found ? excerpt(describeFacts(found)) : null,
  };
  const about = { tenantId, tenantSlug, module, database, schema, asOf };
  const texts = {
    problem: problems[code](difference, `schema ${schema} of database ${database}`),
    remedy: (id: string) => remedyOf(id, difference),
  };
  return createObservation(code, about, texts, { ...part, content });
}

const problems: Record<DifferenceCode, (difference: Difference, place: string) => string> = {
  STRUCTURE_MISSING: ({ kind, name, expected }, place) =>
    `${capital(kind)} ${name} is missing in ${place}; the module's files make it${expected ? `: ${excerpt(describeFacts(expected))}` : ''}.`,
  STRUCTURE_EXTRA: ({ kind, name }, place) =>
    `${capital(kind)} ${name} exists in ${place}, but none of the module's files makes it.`,
  STRUCTURE_DIFFERS: ({ kind, name, changed, expected, found }, place) =>
    `${capital(kind)} ${name} in ${place} is not as the module's files make it: ${changed
      .map(
        (fact) =>
          `${wordsOf(fact)} is ${excerpt(textOf(found?.facts[fact]))} instead of ${excerpt(textOf(expected?.facts[fact]))}`,
      )
      .join('; ')}.`,
  INDEX_INVALID: ({ kind, name }, place) =>
    `${capital(kind)} ${name} in ${place} is invalid: PostgreSQL does not use it, and a build of it was interrupted or found duplicates.`,
  GRANTS_DIFFER: ({ name, expected, found }, place) =>
    `Rights on ${name} in ${place} are not those that the module's files and the registry grant: ${found ? excerpt(describeFacts(found)) : 'none'} instead of ${expected ? excerpt(describeFacts(expected)) : 'none'}.`,
};

function remedyOf(id: string, { code, name }: Difference): string {
  const confirm =
    code === 'STRUCTURE_EXTRA' ? ` --confirm ${quoteForShell(name)} drops it` : ' makes it as the files do';
  return (
    `tenant-registry doctor repair ${id} --resolution keep-registry${confirm}; keep-database accepts the difference, ` +
    'and ignore leaves it out of reports. The mutation repairDrift does the same.'
  );
}

/** Other people chose the name of the object, and the command is made to be copied, so the name must have no meaning for a shell. */
function quoteForShell(name: string): string {
  return /^[\w.]+$/.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`;
}

/** A definition as long as a service likes to write it is not a text for a list. */
function excerpt(text: string): string {
  const characters = text.length > keptCharacters ? [...text] : [];
  return characters.length > keptCharacters
    ? `${characters.slice(0, keptCharacters).join('')}… (${characters.length} characters)`
    : text;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
