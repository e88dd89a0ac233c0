import { Checkbox, NativeSelect, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useChange, useScreen } from '../../api/queries.js';
import {
  type Isolation,
  ModuleNamesDocument,
  SubscribeTenantToModuleDocument,
} from '../../generated/graphql.js';
import { Confirm } from '../../parts/forms/confirm.js';
import type { TenantDetail } from '../detail/tenant-detail.js';

interface SubscribeDialogProps {
  tenant: TenantDetail;
  isOpen: boolean;
  onClose: () => void;
  onOperation: (id: string) => void;
}

/** Subscribes a tenant to another module. */
export function SubscribeDialog({ tenant, isOpen, onClose, onOperation }: SubscribeDialogProps) {
  const [module, setModule] = useState('');
  const [isolation, setIsolation] = useState<Isolation | ''>('');
  const [provision, setProvision] = useState(true);
  const { data } = useScreen(ModuleNamesDocument, {}, { isEnabled: isOpen });
  const taken = tenant.subscriptions
    .filter(({ status }) => status !== 'CANCELLED')
    .map((one) => one.module.name);
  const free = (data?.modules ?? []).filter(({ name, isRetired }) => !isRetired && !taken.includes(name));
  const subscribe = useChange(SubscribeTenantToModuleDocument, {
    onDone({ subscribeTenantToModule: result }) {
      onClose();
      setModule('');
      if (result?.operation) onOperation(result.operation.id);
    },
  });
  return (
    <Confirm
      isOpen={isOpen}
      onClose={onClose}
      title={`Subscribe ${tenant.name} to a module`}
      verb="Subscribe"
      isReady={module !== ''}
      change={subscribe}
      onConfirm={() =>
        subscribe.mutate({
          input: { tenantId: tenant.id, module, provision, ...(isolation && { isolation }) },
        })
      }
    >
      <Stack>
        <NativeSelect
          label="Module"
          data={[
            { value: '', label: free.length === 0 ? 'No other module' : 'Choose…' },
            ...free.map(({ name, isConfigured }) => ({
              value: name,
              label: isConfigured ? name : `${name} (its database is not configured)`,
            })),
          ]}
          value={module}
          onChange={(event) => setModule(event.currentTarget.value)}
          data-autofocus
        />
        <NativeSelect
          label="Isolation"
          data={[
            { value: '', label: 'that of the module' },
            { value: 'SCHEMA', label: 'a schema of its own' },
            { value: 'DATABASE', label: 'a database of its own' },
          ]}
          value={isolation}
          onChange={(event) => setIsolation(event.currentTarget.value as Isolation | '')}
        />
        <Checkbox
          label="Create the storage now"
          checked={provision}
          onChange={(event) => setProvision(event.currentTarget.checked)}
        />
        {!provision && <Text size="sm">The route stays hidden until somebody creates the storage.</Text>}
      </Stack>
    </Confirm>
  );
}
