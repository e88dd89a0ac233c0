/** A number with what it counts: "1 key", "1,200 keys". */
export function countText(count: number, one: string): string {
  return `${count.toLocaleString()} ${count === 1 ? one : `${one}s`}`;
}
