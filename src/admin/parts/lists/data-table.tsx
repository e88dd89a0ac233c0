import { Checkbox, Table } from '@mantine/core';
import { columnVisibilityFeature, tableFeatures, useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type ReactNode, useCallback, useMemo, useRef } from 'react';
import type { ListState } from './list-state.js';

export interface Column<Row> {
  id: string;
  title: string;
  cell: (row: Row) => ReactNode;
  /** The field by which the server orders; undefined: the column cannot be sorted. */
  sortField?: string;
  /** Shown only when the user has chosen it. */
  isOptional?: boolean;
  isNumber?: boolean;
  /** Stays in sight while the others scroll sideways. */
  isPinned?: boolean;
}

export interface Selection {
  has: (id: string) => boolean;
  toggle: (ids: readonly string[], isSelected: boolean) => void;
}

interface DataTableProps<Row extends object> {
  /** Name of the table for screen readers: "Tenants". */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowId: (row: Row) => string;
  /** The name of a row, for its checkbox. */
  rowName?: (row: Row) => string;
  /** With it, headers sort and columns are chosen by the URL. */
  list?: ListState;
  selection?: Selection;
  /** Rows of an earlier page are shown while the next one is read. */
  isStale?: boolean;
}

const features = tableFeatures({ columnVisibilityFeature });
const noRows: never[] = [];
const rowHeight = 44;
/** Fewer rows are drawn whole. */
const virtualFrom = 120;

export function isShown<Row>(column: Column<Row>, chosen: readonly string[] | undefined): boolean {
  return chosen ? chosen.includes(column.id) : !column.isOptional;
}

/** A list whose order, filter and pages are the server's. Long lists draw only the rows in sight. */
export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowId, list, selection, isStale } = props;
  const chosen = list?.columns;
  const definitions = useMemo(() => columns.map(({ id, title }) => ({ id, header: title })), [columns]);
  // The URL gives another array of the same names each time.
  const chosenNames = chosen?.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the names stand for the array
  const columnVisibility = useMemo(
    () => Object.fromEntries(columns.map((column) => [column.id, isShown(column, chosen)])),
    [columns, chosenNames],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: rows.length === 0 ? noRows : (rows as Row[]),
    getRowId: rowId,
    state: { columnVisibility },
  });
  const all = table.getRowModel().rows;
  const scroller = useRef<HTMLDivElement>(null);
  const isVirtual = all.length > virtualFrom;
  const virtualizer = useVirtualizer({
    count: all.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    enabled: isVirtual,
  });
  const inSight = virtualizer.getVirtualItems();
  const shown = isVirtual ? inSight.flatMap(({ index }) => all[index] ?? []) : all;
  const above = isVirtual ? (inSight[0]?.start ?? 0) : 0;
  const below = isVirtual ? virtualizer.getTotalSize() - (inSight.at(-1)?.end ?? 0) : 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the table is the same object all the time
  const visible = useMemo(() => {
    const byId = new Map(columns.map((column) => [column.id, column]));
    return table.getVisibleLeafColumns().flatMap(({ id }) => byId.get(id) ?? []);
  }, [columns, columnVisibility]);
  const width = visible.length + (selection ? 1 : 0);
  const selectionRef = useRef(selection);
  selectionRef.current = selection;
  const select = useCallback(
    (id: string, isSelected: boolean) => selectionRef.current?.toggle([id], isSelected),
    [],
  );

  return (
    <section
      ref={scroller}
      className={isVirtual ? 'table-scroll table-tall' : 'table-scroll'}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={label}
    >
      <Table
        highlightOnHover
        stickyHeader={isVirtual}
        aria-rowcount={all.length}
        aria-busy={isStale}
        data-stale={isStale || undefined}
      >
        <Table.Thead>
          <Table.Tr>
            {selection && (
              <Table.Th w={40}>
                <PageCheckbox ids={all.map(({ id }) => id)} selection={selection} />
              </Table.Th>
            )}
            {visible.map((column) => (
              <Heading key={column.id} column={column} list={list} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {above > 0 && <Spacer height={above} width={width} />}
          {shown.map(({ id, original }) => (
            <TableRow
              key={id}
              id={id}
              row={original}
              columns={visible}
              name={selection && (props.rowName?.(original) ?? id)}
              isSelected={selection?.has(id)}
              onSelect={select}
            />
          ))}
          {below > 0 && <Spacer height={below} width={width} />}
        </Table.Tbody>
      </Table>
    </section>
  );
}

interface TableRowProps<Row> {
  id: string;
  row: Row;
  columns: readonly Column<Row>[];
  /** For its checkbox; undefined: rows cannot be selected. */
  name: string | undefined;
  isSelected: boolean | undefined;
  onSelect: (id: string, isSelected: boolean) => void;
}

function RowOf<Row>({ id, row, columns, name, isSelected, onSelect }: TableRowProps<Row>) {
  return (
    <tr className="row-line" data-selected={isSelected || undefined}>
      {name !== undefined && (
        <td>
          <input
            type="checkbox"
            className="tick"
            aria-label={`Select ${name}`}
            checked={isSelected}
            onChange={(event) => onSelect(id, event.currentTarget.checked)}
          />
        </td>
      )}
      {columns.map((column) => (
        <td key={column.id} className={classOf(column)} dir="auto">
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}

/** Drawn anew only when its row, its columns or its tick change: the rows of the page before stay as they are while the next is read. */
const TableRow = memo(RowOf) as typeof RowOf;

function classOf({ isNumber, isPinned }: Pick<Column<never>, 'isNumber' | 'isPinned'>): string | undefined {
  return isNumber ? 'number' : isPinned ? 'pinned' : undefined;
}

function Heading<Row>({ column, list }: { column: Column<Row>; list: ListState | undefined }) {
  const { title, sortField } = column;
  const className = classOf(column);
  if (!sortField || !list) return <Table.Th className={className}>{title}</Table.Th>;
  const direction =
    list.sort === sortField ? 'ascending' : list.sort === `-${sortField}` ? 'descending' : undefined;
  const next = direction === 'ascending' ? `-${sortField}` : sortField;
  return (
    <Table.Th className={className} aria-sort={direction}>
      <button type="button" className="sort" onClick={() => list.set({ sort: next })}>
        {title}
        <span aria-hidden>{direction === 'ascending' ? ' ↑' : direction === 'descending' ? ' ↓' : ' ↕'}</span>
      </button>
    </Table.Th>
  );
}

function PageCheckbox({ ids, selection }: { ids: string[]; selection: Selection }) {
  const count = ids.filter(selection.has).length;
  return (
    <Checkbox
      size="xs"
      aria-label="Select all on this page"
      checked={count > 0 && count === ids.length}
      indeterminate={count > 0 && count < ids.length}
      onChange={(event) => selection.toggle(ids, event.currentTarget.checked)}
    />
  );
}

function Spacer({ height, width }: { height: number; width: number }) {
  return (
    <tr aria-hidden style={{ height }}>
      <td colSpan={width} />
    </tr>
  );
}
