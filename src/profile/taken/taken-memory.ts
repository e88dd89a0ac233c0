/** Memory of what imports have taken over of a tenant, by which the next one tells an edit of an older platform from one in the registry. */
/** Digests of values by the path of their field. A path that is missing had no value. */
export type Digests = Readonly<Record<string, string>>;

export interface TakenMemory {
  /** What the registry had when the older platform and the registry last agreed. */
  taken: Digests;
  /** What each table and file said when it was last decided on, by the name of the source. */
  seen: Readonly<Record<string, Digests>>;
  /** How many changes of the status were taken over. */
  statusChanges: number;
}

/** What a run has read and decided about a tenant. */
export interface Observation {
  /** The new value of `seen`. */
  seen: Readonly<Record<string, Digests>>;
  /** Paths at which the registry differs from the older platform: their digest in `taken` stays as it is. */
  kept: readonly string[];
  /** The status that the older platform and the registry agree about; undefined leaves it as it is. */
  status: string | undefined;
}

/** The status is not a field of one source, so it is remembered for the platform as a whole, as members are. */
export const platformLabel = '(platform)';

/** Reads a stored memory; undefined for none. */
export function readMemory(stored: unknown): TakenMemory | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const { taken = {}, seen = {}, statusChanges = 0 } = stored as Partial<TakenMemory>;
  return { taken, seen, statusChanges };
}
