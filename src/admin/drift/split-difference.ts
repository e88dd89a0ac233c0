type Part = readonly [start: number, end: number];

/** The words in which two texts differ: what is between their common beginning and their common end. */
export function splitDifference(before: string, after: string): { before: Part; after: Part } {
  const [old, next] = [words(before), words(after)];
  const shorter = Math.min(old.length, next.length);
  let start = 0;
  while (start < shorter && old[start] === next[start]) start++;
  let end = 0;
  while (end < shorter - start && old.at(-1 - end) === next.at(-1 - end)) end++;
  const part = (all: readonly string[]): Part => [
    all.slice(0, start).join('').length,
    all.slice(0, all.length - end).join('').length,
  ];
  return { before: part(old), after: part(next) };
}

function words(text: string): string[] {
  return text.split(/(\s+|[(),])/);
}
