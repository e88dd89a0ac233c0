import { Alert, Button, Code, CopyButton, Group, Modal, Stack, Text } from '@mantine/core';
import type { NewSecret } from './key.js';

/** Shows the secret of a key once. It closes only by its button, not by a click beside it. */
export function SecretDialog({ created, onClose }: { created: NewSecret | undefined; onClose: () => void }) {
  return (
    <Modal
      opened={created !== undefined}
      onClose={onClose}
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
      title={`The secret of ${created?.name ?? ''}`}
    >
      {created && (
        <Stack>
          {created.secret ? (
            <>
              <Text size="sm">
                It is shown only now. Copy it to where the service reads it; the registry keeps only its hash.
              </Text>
              <Code block className="wrap" data-secret>
                {created.secret}
              </Code>
            </>
          ) : (
            <Alert color="yellow" title="The answer with the secret got lost">
              Rotate the key: that gives a new secret.
            </Alert>
          )}
          <Group justify="flex-end">
            {created.secret && (
              <CopyButton value={created.secret}>
                {({ copied, copy }) => (
                  <Button variant="light" onClick={copy} data-autofocus>
                    {copied ? 'Copied' : 'Copy the secret'}
                  </Button>
                )}
              </CopyButton>
            )}
            <Button onClick={onClose}>{created.secret ? 'I have stored it' : 'Close'}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
