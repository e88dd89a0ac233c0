import { useSearchParams } from 'react-router';

const pageSizes = [25, 50, 100] as const;

interface ListOptions {
  /** Name of the list where the address has several, such as those of a tenant's tabs: a cursor is of one list. */
  name?: string;
  /** The order of a list whose address names none. */
  sort?: string;
  /** Fields by which the list can be ordered. */
  fields?: readonly string[];
}

/** What the address says about a list: page, order, size, columns and filters. */
function readListState(parameters: URLSearchParams, { name, sort: usualSort, fields }: ListOptions = {}) {
  const given = parameters.get('sort') ?? undefined;
  // An address can hold anything.
  const isKnown = given !== undefined && (fields?.includes(given.replace(/^-/, '')) ?? true);
  const sort = isKnown ? given : usualSort;
  const size = pageSizes.find((one) => String(one) === parameters.get('size')) ?? 50;
  const before = parameters.get(cursorName('before', name));
  const after = parameters.get(cursorName('after', name));
  return {
    parameters,
    size,
    /** Variables of a connection. */
    page: before === null ? { first: size, after } : { last: size, before },
    /** "name" or "-name" (descending). */
    sort,
    order: sort
      ? {
          field: sort.replace(/^-/, ''),
          direction: sort.startsWith('-') ? ('DESC' as const) : ('ASC' as const),
        }
      : undefined,
    /** The values of a filter that takes several. */
    list: (name: string) => parameters.get(name)?.split(',').filter(Boolean) ?? [],
    isFirstPage: before === null && after === null,
    columns: parameters.get('columns')?.split(',').filter(Boolean),
  };
}

/** Name of a cursor in the address. */
function cursorName(cursor: 'after' | 'before', list: string | undefined): string {
  return list === undefined ? cursor : `${list}-${cursor}`;
}

export type ListRead = ReturnType<typeof readListState>;

/**
 * The state of a list, in the URL. A link to the page shows the same list, and "back" leads to the page before. `onChange` learns of a
 * change before it is drawn.
 */
export function useListState({
  onChange,
  ...options
}: ListOptions & { onChange?: (next: ListRead) => void } = {}) {
  const [parameters, setParameters] = useSearchParams();

  /** Sets parameters; null removes one. A new filter or order starts at the first page. */
  const set = (changes: Record<string, string | null>, { isPage = false, replaces = false } = {}) => {
    const changed = (previous: URLSearchParams) => {
      const next = new URLSearchParams(previous);
      const all = isPage ? changes : { after: null, before: null, ...changes };
      for (const [given, value] of Object.entries(all)) {
        const name = given === 'after' || given === 'before' ? cursorName(given, options.name) : given;
        if (value === null || value === '') next.delete(name);
        else next.set(name, value);
      }
      return next;
    };
    onChange?.(readListState(changed(parameters), options));
    setParameters(changed, { replace: replaces });
  };
  return { ...readListState(parameters, options), set };
}

export type ListState = ReturnType<typeof useListState>;

export { pageSizes };
