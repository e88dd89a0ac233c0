/** Random numbers from 0 to 1, equal for equal seeds (mulberry32, Tommy Ettinger, public domain). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Random whole numbers from 0 to below, without below itself. */
export function createDraw(seed: number): (below: number) => number {
  const random = createRandom(seed);
  return (below) => Math.floor(random() * below);
}

/** A choice of one of several values. */
export function createPick(seed: number): <T>(values: readonly T[]) => T {
  const draw = createDraw(seed);
  return (values) => values[draw(values.length)] as (typeof values)[number];
}
