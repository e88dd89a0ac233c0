import { Button, Text } from '@mantine/core';
import { Notice } from '../notices/notice.js';

/** Stands in place of what cannot be loaded, because the gateway was updated after this page was opened. */
export function NewVersion() {
  return (
    <Notice tone="warning" title="A new version of this page is there">
      <Text size="sm">
        The gateway was updated, and does not have this part of the page that you opened any more. What you
        have typed elsewhere stays until you load the page again: save it first.
      </Text>
      <Button size="xs" mt="xs" onClick={() => location.reload()}>
        Load the page again
      </Button>
    </Notice>
  );
}
