import { Button, Group, NativeSelect, Text } from '@mantine/core';
import { type ListState, pageSizes } from './list-state.js';

interface PageInfo {
  hasNextPage: boolean;
  hasPreviousPage?: boolean;
  startCursor?: string | null;
  endCursor?: string | null;
}

/** Leads to the pages before and after, by cursor. */
export function ListPager({
  list,
  pageInfo,
  total,
}: {
  list: ListState;
  pageInfo: PageInfo;
  total?: string;
}) {
  const { hasNextPage, hasPreviousPage, startCursor, endCursor } = pageInfo;
  return (
    <Group justify="space-between" className="pager">
      <Text size="sm" c="dimmed" role="status">
        {total}
      </Text>
      <Group gap="xs">
        <NativeSelect
          size="xs"
          aria-label="Entries on a page"
          data={pageSizes.map((size) => ({ value: String(size), label: `${size} a page` }))}
          value={String(list.size)}
          onChange={(event) => list.set({ size: event.currentTarget.value })}
        />
        <Button
          size="xs"
          variant="default"
          disabled={list.isFirstPage}
          onClick={() => list.set({ after: null, before: null })}
        >
          First
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={!hasPreviousPage || !startCursor}
          onClick={() => list.set({ before: startCursor ?? null, after: null }, { isPage: true })}
        >
          Previous
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={!hasNextPage || !endCursor}
          onClick={() => list.set({ after: endCursor ?? null, before: null }, { isPage: true })}
        >
          Next
        </Button>
      </Group>
    </Group>
  );
}
