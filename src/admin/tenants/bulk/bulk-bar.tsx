import { Button, Group, Paper, Text } from '@mantine/core';
import { useState } from 'react';
import { AllowedButton } from '../../session/allowed-button.js';
import { type BulkAction, BulkDialog } from './bulk-dialog.js';
import type { Selected } from './selection.js';

interface BulkBarProps {
  selected: Selected | undefined;
  /** How many the filter matches, as the list says it. */
  total: string;
  onSelectAll: () => void;
  onClear: () => void;
}

/** What can be done with the selected tenants. It stays at the lower edge, so that no row moves when the first one is ticked. */
export function BulkBar({ selected, total, onSelectAll, onClear }: BulkBarProps) {
  const [action, setAction] = useState<{ kind: BulkAction; selected: Selected }>();
  return (
    <>
      {selected && (
        <Paper withBorder p="xs" className="bulk-bar" role="region" aria-label="Selected tenants">
          <Group justify="space-between">
            <Group gap="xs">
              <Text size="sm" role="status">
                {selected.kind === 'ids' ? `${selected.ids.length} selected` : `All selected: ${total}`}
              </Text>
              {selected.kind === 'ids' && (
                <Button size="compact-sm" variant="subtle" onClick={onSelectAll}>
                  Select all that match ({total})
                </Button>
              )}
              <Button size="compact-sm" variant="subtle" onClick={onClear}>
                Clear
              </Button>
            </Group>
            <Group gap="xs">
              <AllowedButton
                action="suspendTenant"
                size="xs"
                variant="default"
                onClick={() => setAction({ kind: 'SUSPEND', selected })}
              >
                Suspend…
              </AllowedButton>
              <AllowedButton
                action="resumeTenant"
                size="xs"
                variant="default"
                onClick={() => setAction({ kind: 'RESUME', selected })}
              >
                Resume…
              </AllowedButton>
              <AllowedButton
                action="subscribeTenantToModule"
                size="xs"
                variant="default"
                onClick={() => setAction({ kind: 'SUBSCRIBE', selected })}
              >
                Subscribe…
              </AllowedButton>
              <AllowedButton
                action="updateTenant"
                size="xs"
                variant="default"
                onClick={() => setAction({ kind: 'UPDATE', selected })}
              >
                Change plan…
              </AllowedButton>
            </Group>
          </Group>
        </Paper>
      )}
      {action && (
        <BulkDialog
          kind={action.kind}
          selected={action.selected}
          onClose={() => setAction(undefined)}
          onStarted={onClear}
        />
      )}
    </>
  );
}
