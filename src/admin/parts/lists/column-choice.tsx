import { Button, Checkbox, Popover, Stack } from '@mantine/core';
import { useState } from 'react';
import { type Column, isShown } from './data-table.js';
import type { ListState } from './list-state.js';

/** Chooses the columns of a table; the URL holds them. */
export function ColumnChoice<Row>({ columns, list }: { columns: readonly Column<Row>[]; list: ListState }) {
  // The URL follows in the next transition; the boxes show at once what was chosen.
  const [chosen, setChosen] = useState<string[]>();
  const shown = chosen ?? columns.filter((column) => isShown(column, list.columns)).map(({ id }) => id);
  return (
    <Popover position="bottom-end" withArrow trapFocus onChange={() => setChosen(undefined)}>
      <Popover.Target>
        <Button variant="default">Columns</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          {columns.map(({ id, title }) => (
            <Checkbox
              key={id}
              size="xs"
              label={title}
              checked={shown.includes(id)}
              onChange={(event) => {
                const next = columns
                  .map((one) => one.id)
                  .filter((one) => (one === id ? event.currentTarget.checked : shown.includes(one)));
                setChosen(next);
                list.set({ columns: next.join(',') }, { isPage: true, replaces: true });
              }}
            />
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
