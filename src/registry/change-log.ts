import type { Prisma, RegistryChange } from '../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../database/registry-database.js';

type Rows = Pick<RegistryDatabase, 'prisma'>;

/** Position of an entry in the change log. */
export interface ChangePosition {
  revision: bigint;
  position: number;
}

/** Conditions on entries; an entry must meet all of them. */
export interface ChangeFilter {
  tenantId?: string | undefined;
  actor?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  /** Full names, without duplicates; undefined: every kind. */
  kinds?: readonly string[] | undefined;
}

interface ChangePage {
  /** The page begins after this entry, or ends before it when `take` is negative. */
  from: ChangePosition | null;
  /** Number of entries: the newest if positive, the oldest if negative. */
  take: number;
}

/** A page of entries, newest first. `selected` names the columns to read, as Prisma's `select`. */
export async function listChanges(
  { prisma }: Rows,
  filter: ChangeFilter,
  { from, take }: ChangePage,
  selected: object,
): Promise<RegistryChange[]> {
  const isBackward = take < 0;
  const direction = isBackward ? 'asc' : 'desc';
  const where = [whereChanges(filter), from ? beyond(from, isBackward) : {}];
  const read = (kind?: string) =>
    prisma.registryChange.findMany({
      ...selected,
      where: { AND: kind === undefined ? where : [...where, { kind }] },
      orderBy: [{ revision: direction }, { position: direction }],
      take: Math.abs(take),
    });
  if (!filter.kinds) return (await read()).sort(byNewest);
  // One statement per kind: the index holds the entries of one kind in order, but those of several kinds would have to
  // be sorted. All in one snapshot; otherwise a change committed between two statements could be left out.
  const ofKinds = await prisma.$transaction(filter.kinds.map(read), { isolationLevel: 'RepeatableRead' });
  const merged = ofKinds.flat().sort(byNewest);
  return isBackward ? merged.slice(take) : merged.slice(0, take);
}

/** The position, when an entry that meets the filter is there. Its numbers may come from a client. */
export async function findChange(
  { prisma }: Rows,
  filter: ChangeFilter,
  { revision, position }: { revision: unknown; position: unknown },
): Promise<ChangePosition | null> {
  if (typeof revision !== 'bigint' || !fits(revision, 64)) return null;
  if (typeof position !== 'number' || !Number.isInteger(position) || !fits(BigInt(position), 32)) return null;
  const kind = filter.kinds && { kind: { in: [...filter.kinds] } };
  return prisma.registryChange.findFirst({
    where: { AND: [whereChanges(filter), { revision, position, ...kind }] },
    select: { revision: true, position: true },
  });
}

/** Full names of kinds: one that ends in a dot becomes all kinds in the log that begin with it. */
export async function expandKinds({ prisma }: Rows, kinds: readonly string[]): Promise<string[]> {
  const prefixes = kinds.filter((kind) => kind.endsWith('.'));
  if (prefixes.length === 0) return [...new Set(kinds)];
  // Jumps from kind to kind in the index; a log of any size has a few dozen kinds.
  const known = await prisma.$queryRaw<{ kind: string }[]>`
    WITH RECURSIVE known (kind) AS (
      SELECT min(kind) FROM registry_change
      UNION ALL
      SELECT (SELECT min(change.kind) FROM registry_change AS change WHERE change.kind > known.kind)
      FROM known WHERE kind IS NOT NULL)
    SELECT kind FROM known WHERE kind IS NOT NULL`;
  const matching = known
    .map(({ kind }) => kind)
    .filter((kind) => prefixes.some((prefix) => kind.startsWith(prefix)));
  return [...new Set([...kinds.filter((kind) => !prefixes.includes(kind)), ...matching])];
}

/** Without `kinds`, for which the readers above have their own ways. */
function whereChanges({ tenantId, actor, since, until }: ChangeFilter): Prisma.RegistryChangeWhereInput {
  return {
    ...(tenantId !== undefined && { tenantId }),
    ...(actor !== undefined && { actor }),
    ...((since || until) && { changedAt: { ...(since && { gte: since }), ...(until && { lt: until }) } }),
  };
}

/** Prisma's own cursor would read all entries that follow, however many there are. */
function beyond(
  { revision, position }: ChangePosition,
  isBackward: boolean,
): Prisma.RegistryChangeWhereInput {
  return isBackward
    ? { revision: { gte: revision }, OR: [{ revision: { gt: revision } }, { position: { gt: position } }] }
    : { revision: { lte: revision }, OR: [{ revision: { lt: revision } }, { position: { lt: position } }] };
}

function byNewest(one: ChangePosition, other: ChangePosition): number {
  return Number(other.revision - one.revision) || other.position - one.position;
}

/** Whether the number fits into an integer column of that many bits. */
function fits(number: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, number) === number;
}
