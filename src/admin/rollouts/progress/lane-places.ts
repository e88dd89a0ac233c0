/**
 * Who is in which lane, by id. Whoever goes on stays in the lane; a new one takes a free lane. A lane keeps its place on the screen, so
 * that the eye can follow it.
 */
export function placeInLanes(
  before: readonly (string | undefined)[],
  running: readonly string[],
  lanes: number,
): (string | undefined)[] {
  const places: (string | undefined)[] = Array.from(
    { length: Math.max(lanes, running.length) },
    (_, lane) => {
      const id = before[lane];
      return id !== undefined && running.includes(id) ? id : undefined;
    },
  );
  for (const id of running) {
    if (places.includes(id)) continue;
    places[places.indexOf(undefined)] = id;
  }
  return places;
}
