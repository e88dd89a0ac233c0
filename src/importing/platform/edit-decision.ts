/**
 * Tells an edit of an older platform from an edit in the registry, by what was last taken over: an edit of one side wins, and edits of
 * both sides that differ are a conflict. Pure.
 */
import { isSame, type SourceKind } from './merge-fields.js';

/** What a table or file says about a field. */
export interface Side {
  label: string;
  kind: SourceKind;
  value: unknown;
  /** Whether it says something else than when it was last decided on. */
  hasChanged: boolean;
}

export interface FieldSides {
  /** The value in the registry. */
  stored: unknown;
  /** Whether the registry has another value than the one that was last taken over. */
  isEdited: boolean;
  sides: readonly Side[];
}

export type EditDecision =
  /** Nothing is new on the older side: the value of the registry stays. */
  | { outcome: 'keep' }
  /** Both sides say the same. */
  | { outcome: 'agree' }
  | { outcome: 'take'; value: unknown }
  /** The edits differ; `preferred` is the side that counts, undefined when none was preferred. */
  | { outcome: 'conflict'; candidates: readonly Side[]; preferred: Side | undefined };

export function decideEdit(
  { stored, isEdited, sides }: FieldSides,
  prefer: SourceKind | undefined,
): EditDecision {
  const changed = sides.filter(({ hasChanged }) => hasChanged);
  const [first] = changed;
  if (!first) return { outcome: 'keep' };
  if (changed.every(({ value }) => isSame(value, first.value))) {
    if (isSame(first.value, stored)) return { outcome: 'agree' };
    if (!isEdited) return { outcome: 'take', value: first.value };
  }
  const registry: Side = { label: 'registry', kind: 'registry', value: stored, hasChanged: isEdited };
  // An unchanged registry is no candidate, unless somebody prefers it.
  const preferred = [...changed, registry].find(({ kind }) => kind === prefer);
  return { outcome: 'conflict', candidates: [...changed, registry], preferred };
}
