import { Alert, Button, Group, Text } from '@mantine/core';
import type { Conflict } from './draft.js';

/** Shows what two people have made of one field, and lets one of both be chosen. */
export function ConflictCard({
  label,
  conflict,
  onTake,
}: {
  label: string;
  conflict: Conflict;
  onTake: (whose: 'mine' | 'theirs') => void;
}) {
  const rows = [
    ['It was', conflict.base],
    ['Somebody changed it to', conflict.theirs],
    ['You typed', conflict.mine],
  ] as const;
  return (
    <Alert color="yellow" role="alert" title={`“${label}” was changed while you were typing`}>
      {rows.map(([name, value]) => (
        <Text key={name} size="sm" dir="auto" className="wrap">
          {name}: {value === null ? 'nothing' : String(value)}
        </Text>
      ))}
      <Group mt="xs" gap="xs">
        <Button size="xs" variant="default" onClick={() => onTake('mine')}>
          Keep mine
        </Button>
        <Button size="xs" variant="default" onClick={() => onTake('theirs')}>
          Take theirs
        </Button>
      </Group>
    </Alert>
  );
}
