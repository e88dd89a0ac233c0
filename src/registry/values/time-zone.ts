/**
 * Time zones in the spelling of the IANA database, whatever case a caller writes. A link such as Asia/Calcutta stays the name that the
 * caller chose: ICU and PostgreSQL know both, and each version of ICU prefers another one.
 */

/** The parts of names that do not have a capital first and small letters then. A test compares all names with PostgreSQL's. */
const specialParts = new Map(
  [
    ...[
      'ACT',
      'LHI',
      'NSW',
      'US',
      'Dar_es_Salaam',
      'Port_of_Spain',
      'Port-au-Prince',
      'Isle_of_Man',
      'Knox_IN',
    ],
    ...['ComodRivadavia', 'DumontDUrville', 'McMurdo', 'DeNoronha', 'EasterIsland', 'BajaNorte', 'BajaSur'],
    ...['GB-Eire', 'Zulu', 'Greenwich', 'Universal'],
  ].map((part) => [part.toLowerCase(), part]),
);

/** Abbreviations that are names of the database. ICU has further ones of its own, which PostgreSQL refuses. */
const abbreviations = [
  'CET',
  'EET',
  'EST',
  'GMT',
  'HST',
  'MET',
  'MST',
  'PRC',
  'ROC',
  'ROK',
  'UCT',
  'UTC',
  'WET',
];

/** Results by spelling: a check takes a tenth of a millisecond. There are a few hundred names. */
const known = new Map<string, string>();
const maxKnown = 1_000;

/** Returns the name in its canonical spelling; undefined when there is no such time zone. */
export function canonicalTimeZone(text: string): string | undefined {
  const found = known.get(text);
  if (found !== undefined) return found;
  const name = text.toLowerCase().split('/').map(spellPart).join('/');
  if (!isIana(name)) return undefined;
  // Every spelling is valid, so their number is limited.
  if (known.size < maxKnown) known.set(text, name);
  return name;
}

function spellPart(part: string, at: number, all: readonly string[]): string {
  const special = specialParts.get(part);
  if (special) return special;
  const isCode = all.length === 1 ? part.length <= 3 || /[-0-9]/.test(part) : all[0] === 'etc' && at === 1;
  return isCode ? part.toUpperCase() : part.replace(/(^|[-_])[a-z]/g, (start) => start.toUpperCase());
}

function isIana(name: string): boolean {
  if (!/^[A-Za-z]/.test(name) || /^(systemv\/|us\/pacific-new$)/i.test(name)) return false;
  if (/^[A-Z]{3}$/.test(name) && !abbreviations.includes(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
