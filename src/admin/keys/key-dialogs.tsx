import { Code, NativeSelect, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useChange } from '../api/queries.js';
import { RevokeApiKeyDocument, RotateApiKeyDocument } from '../generated/graphql.js';
import { Confirm } from '../parts/forms/confirm.js';
import { TimeText } from '../parts/values/time-text.js';
import { useRights } from '../session/rights.js';
import type { Key, NewSecret } from './key.js';

interface KeyDialogProps {
  /** Undefined: the dialog is closed. */
  apiKey: Key | undefined;
  onClose: () => void;
}

const overlaps = [
  { value: '0', label: 'Ends at once' },
  { value: '3600', label: 'One hour' },
  { value: '86400', label: 'One day' },
  { value: '604800', label: 'One week' },
  { value: '2592000', label: '30 days' },
];

export function RotateDialog({
  apiKey,
  onClose,
  onSecret,
}: KeyDialogProps & { onSecret: (created: NewSecret) => void }) {
  const [overlap, setOverlap] = useState('86400');
  const rotate = useChange(RotateApiKeyDocument, {
    onDone({ rotateApiKey }) {
      if (rotateApiKey) onSecret({ name: rotateApiKey.apiKey.name, secret: rotateApiKey.secret });
    },
  });
  return (
    <Confirm
      isOpen={apiKey !== undefined}
      onClose={onClose}
      title={`Rotate ${apiKey?.name ?? ''}`}
      verb="Rotate"
      change={rotate}
      onConfirm={() => apiKey && rotate.mutate({ input: { id: apiKey.id, overlapSeconds: Number(overlap) } })}
    >
      <Stack>
        <Text size="sm">A new key with the same name and scopes replaces it.</Text>
        <NativeSelect
          label="How long the previous key is still accepted"
          description="Time to bring the new secret to all places that use it."
          data={overlaps}
          value={overlap}
          onChange={(event) => setOverlap(event.currentTarget.value)}
          data-autofocus
        />
        <OwnKeyWarning apiKey={apiKey} />
      </Stack>
    </Confirm>
  );
}

export function RevokeDialog({ apiKey, onClose }: KeyDialogProps) {
  const revoke = useChange(RevokeApiKeyDocument, {
    onDone({ revokeApiKey }) {
      onClose();
      notifications.show({ color: 'teal', message: `${revokeApiKey?.apiKey.name ?? 'The key'} is revoked` });
    },
  });
  return (
    <Confirm
      isOpen={apiKey !== undefined}
      onClose={onClose}
      title={`Revoke ${apiKey?.name ?? ''}`}
      verb="Revoke"
      typed={apiKey?.name}
      isDangerous
      change={revoke}
      onConfirm={() => apiKey && revoke.mutate({ input: { id: apiKey.id } })}
    >
      <Stack>
        <Text size="sm">
          Requests with it are rejected from now on, and its streams end. It cannot be undone. Last use:{' '}
          {apiKey?.lastUsedAt ? <TimeText value={apiKey.lastUsedAt} isRelative /> : 'never'}.
        </Text>
        <Text size="sm">
          Id <Code>{apiKey?.id}</Code>
        </Text>
        <OwnKeyWarning apiKey={apiKey} />
      </Stack>
    </Confirm>
  );
}

function OwnKeyWarning({ apiKey }: { apiKey: Key | undefined }) {
  const { viewer } = useRights();
  if (!apiKey || viewer?.actor !== `api-key:${apiKey.id}`) return null;
  return (
    <Text size="sm" fw={600}>
      You are logged in by this key.
    </Text>
  );
}
