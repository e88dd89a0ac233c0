/** The most connections that a process opens, by what they are for. */
export const connectionCounts = {
  routes: 8,
  rows: 20,
  /** Only processes that serve follow the change log. */
  polls: 1,
  changes: 3,
  notifications: 1,
  /** To each service database. */
  service: 5,
} as const;

/** The most that a gateway opens to the registry’s database. With several workers, the primary process does not follow the change log. */
export function countConnections(workers: number): number {
  const { routes, rows, polls, changes, notifications } = connectionCounts;
  const own = routes + rows;
  const serving = own + polls + changes + notifications;
  return workers === 1 ? serving : own + workers * serving;
}
