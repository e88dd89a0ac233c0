import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { asApiError } from '../../api/api-error.js';

const undoMs = 15_000;

/** Says what has been done, and offers to undo it for a while. */
export function showUndo(message: string, undo: () => Promise<unknown>): void {
  const id = `undo-${crypto.randomUUID()}`;
  let isRunning = false;
  const run = async () => {
    if (isRunning) return;
    isRunning = true;
    notifications.hide(id);
    try {
      await undo();
      notifications.show({ color: 'teal', message: 'Undone' });
    } catch (error) {
      notifications.show({
        color: 'red',
        title: 'It could not be undone',
        message: asApiError(error).message,
      });
    }
  };
  notifications.show({
    id,
    autoClose: undoMs,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" dir="auto">
          {message}
        </Text>
        <Button size="compact-sm" variant="light" aria-label={`Undo: ${message}`} onClick={() => void run()}>
          Undo
        </Button>
      </Group>
    ),
  });
}
