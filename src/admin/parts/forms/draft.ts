import { useState } from 'react';

export type FieldValue = string | number | boolean | null;
type Values = Readonly<Record<string, FieldValue>>;

interface Edit {
  value: FieldValue;
  /** The value on which the edit is based. */
  base: FieldValue;
}

export interface Conflict {
  name: string;
  base: FieldValue;
  mine: FieldValue;
  theirs: FieldValue;
}

/** What an editor has typed over the values of the server. */
export interface Draft {
  values: Values;
  /** The fields that differ from the server's. */
  changed: Values;
  /** Fields that somebody else has changed in the meantime to something else. */
  conflicts: readonly Conflict[];
  isDirty: boolean;
  set: (name: string, value: FieldValue) => void;
  /** Settles a conflict. */
  take: (name: string, whose: 'mine' | 'theirs') => void;
  reset: () => void;
}

/** The differences of edits to the values of the server, and the conflicts among them. */
export function compareEdits(server: Values, edits: Readonly<Record<string, Edit>>) {
  const entries = Object.entries(edits);
  const changed = entries.filter(([name, { value }]) => value !== (server[name] ?? null));
  return {
    changed: Object.fromEntries(changed.map(([name, { value }]) => [name, value])),
    conflicts: changed
      .filter(([name, { base }]) => base !== (server[name] ?? null))
      .map(([name, { value, base }]) => ({ name, base, mine: value, theirs: server[name] ?? null })),
  };
}

/**
 * Edits over values that can change under them. A field that was not edited follows the server; an edited one stays, and is a conflict when
 * the server's has become another one.
 */
export function useDraft(server: Values): Draft {
  const [edits, setEdits] = useState<Readonly<Record<string, Edit>>>({});
  const { changed, conflicts } = compareEdits(server, edits);
  const without = (name: string) => Object.fromEntries(Object.entries(edits).filter(([one]) => one !== name));
  return {
    values: {
      ...server,
      ...Object.fromEntries(Object.entries(edits).map(([name, { value }]) => [name, value])),
    },
    changed,
    conflicts,
    isDirty: Object.keys(changed).length > 0,
    set: (name, value) =>
      setEdits((all) => ({ ...all, [name]: { value, base: all[name]?.base ?? server[name] ?? null } })),
    take: (name, whose) => {
      const edit = edits[name];
      if (whose === 'theirs' || !edit) setEdits(without(name));
      else setEdits({ ...edits, [name]: { ...edit, base: server[name] ?? null } });
    },
    reset: () => setEdits({}),
  };
}
