import { SimpleGrid, Text } from '@mantine/core';
import { splitDifference } from './split-difference.js';

/** The definition of an object by the files and in the database, side by side, with the part that differs marked. */
export function Definitions({ expected, found }: { expected: string | null; found: string | null }) {
  const parts = splitDifference(expected ?? '', found ?? '');
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
      <Definition
        title="Registry and files"
        none="No file makes the object."
        text={expected}
        part={parts.before}
      />
      <Definition title="Database" none="The object does not exist." text={found} part={parts.after} />
    </SimpleGrid>
  );
}

interface DefinitionProps {
  title: string;
  none: string;
  text: string | null;
  part: readonly [start: number, end: number];
}

function Definition({ title, none, text, part: [start, end] }: DefinitionProps) {
  return (
    <figure className="definition">
      <figcaption>{title}</figcaption>
      {text === null ? (
        <Text size="sm" c="dimmed">
          {none}
        </Text>
      ) : (
        <code dir="auto">
          {text.slice(0, start)}
          <mark>{text.slice(start, end)}</mark>
          {text.slice(end)}
        </code>
      )}
    </figure>
  );
}
