/** Does the work for each item in their order, at most for `count` of them at the same time. Rejects when the work of one does. */
export async function forEachAtOnce<T extends NonNullable<unknown>>(
  items: Iterable<T>,
  count: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items].reverse();
  const workOnNext = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: count }, workOnNext));
}
