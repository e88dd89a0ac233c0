/** A small generator of Marsaglia's (xorshift32), so that a sample can be drawn again from its seed. */
export function createSeededRandom(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
