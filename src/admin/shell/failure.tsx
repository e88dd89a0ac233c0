import { Button, Stack, Text } from '@mantine/core';
import { useRouteError } from 'react-router';
import { ErrorCard } from '../parts/notices/error-card.js';

/** Stands in place of a screen that cannot be shown, such as one whose code a newer version of the gateway does not have any more. */
export function Failure() {
  const error = useRouteError();
  return (
    <main className="start">
      <Stack>
        <ErrorCard error={error} />
        <Text size="sm">After an update of the gateway, the page has to be loaded again.</Text>
        <Button onClick={() => location.reload()}>Load the page again</Button>
      </Stack>
    </main>
  );
}
