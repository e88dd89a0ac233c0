/** Random changes of texts and JSON values, equal for equal seeds. */

/** A whole number from 0 and below the limit. */
export type Random = (below: number) => number;

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random(items.length)] as T;
}

/** Texts that parsers and databases stumble over. */
const hostileTexts = [
  ...[
    '',
    ' ',
    '\n',
    '\u0000',
    '\ud800',
    '\ufeff',
    'é'.normalize('NFD'),
    '\u202eabc',
    '💥',
    'null',
    'undefined',
    'NaN',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    "'; DROP TABLE tenants; --",
    `\${DATABASE_URL}`,
    '{{7*7}}',
    '%00',
    '../..',
  ],
  ...[
    'a'.repeat(300),
    '9'.repeat(400),
    '-1',
    '1e309',
    '0x10',
    '9007199254740993',
    '9000000000000000000',
    '<script>',
    '*a',
  ],
];

/** A value that no schema expects in its place. */
export function hostileValue(random: Random): unknown {
  const values: unknown[] = [
    ...[
      null,
      true,
      false,
      0,
      -1,
      1.5,
      1e300,
      Number.MAX_SAFE_INTEGER,
      [],
      {},
      [[]],
      [null],
      { a: { b: [1] } },
    ],
    ...[pick(random, hostileTexts), pick(random, hostileTexts)],
  ];
  return pick(random, values);
}

export function hostileText(random: Random): string {
  if (random(3) > 0) return pick(random, hostileTexts);
  return Array.from({ length: random(20) }, () => String.fromCharCode(random(0x2fff))).join('');
}

/** Changes one place of a text in a random way; `other` is a text to take parts from. */
export function mutateText(random: Random, text: string, other: string): string {
  const at = random(text.length + 1);
  const end = at + random(text.length - at + 1);
  const from = random(other.length + 1);
  const ways = [
    () => text.slice(0, at),
    () => text.slice(at),
    () => text.slice(0, at) + text.slice(end),
    () => text.slice(0, end) + text.slice(at),
    () => text.slice(0, at) + other.slice(from),
    () => text.slice(0, at) + hostileText(random) + text.slice(at),
    () => text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1),
    () => text.slice(0, at) + other.slice(from, from + random(40)) + text.slice(end),
    () => text.replace(/\d/, () => String(random(10))),
    () =>
      text.replaceAll(
        pick(random, ['"', ':', ',', '\n', '{', ' ']),
        pick(random, ['', '\n', '\t', '"', '}']),
      ),
  ];
  const changed = pick(random, ways)();
  return random(4) === 0 ? mutateText(random, changed, other) : changed;
}

/** Changes, removes or adds one field somewhere in a JSON value. */
export function mutateJson(random: Random, value: unknown, donor: unknown = value): unknown {
  if (typeof value !== 'object' || value === null || random(6) === 0) return hostileValue(random);
  if (Array.isArray(value)) {
    const at = random(value.length + 1);
    return random(2) === 0 ? value.toSpliced(at, 1) : value.toSpliced(at, 1, mutateJson(random, value[at]));
  }
  const entries = Object.entries(value);
  const at = random(entries.length + 1);
  const [key = hostileText(random), old] = entries[at] ?? [];
  const donated = Object.values((donor ?? {}) as object);
  const changed = pick(random, [
    () => [],
    () => [[key, mutateJson(random, old)]],
    () => [[key, donated.length > 0 ? pick(random, donated) : null]],
    () => [
      [key, old],
      [hostileText(random), hostileValue(random)],
    ],
  ])() as [string, unknown][];
  return Object.fromEntries(entries.toSpliced(at, 1, ...changed));
}

/** What a run of one kind tried, and everything that went wrong. */
export interface Outcome {
  tried: number;
  /** Answers that were compared with the truth. */
  compared: number;
  wrong: string[];
}
