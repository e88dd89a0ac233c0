/** The size of a long test: that of `npm run test:long`, or the full one with `FULL_SIZE=1`, which can take ten minutes per test. */
export function sizeOf({ usual, full }: { usual: number; full: number }): number {
  return process.env.FULL_SIZE === '1' ? full : usual;
}
