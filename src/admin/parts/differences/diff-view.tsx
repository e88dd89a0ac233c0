import { Table, Text } from '@mantine/core';
import { findDifferences } from './differences.js';

/** The differences between two values, a row for each place. */
export function DiffView({
  before,
  after,
  labels = ['Before', 'After'],
}: {
  before: unknown;
  after: unknown;
  labels?: readonly [string, string];
}) {
  const rows = findDifferences(before ?? {}, after ?? {});
  if (rows.length === 0)
    return (
      <Text size="sm" c="dimmed">
        No differences.
      </Text>
    );
  return (
    <Table className="diff" withTableBorder>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Field</Table.Th>
          <Table.Th>{labels[0]}</Table.Th>
          <Table.Th>{labels[1]}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(({ path, before: old, after: next }) => (
          <Table.Tr key={path}>
            <Table.Td>{path || 'value'}</Table.Td>
            <Table.Td className="diff-old" dir="auto">
              {valueText(old)}
            </Table.Td>
            <Table.Td className="diff-new" dir="auto">
              {valueText(next)}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function valueText(value: unknown): string {
  if (value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
}
