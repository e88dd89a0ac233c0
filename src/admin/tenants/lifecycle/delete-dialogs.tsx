import { NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useChange } from '../../api/queries.js';
import { DeleteTenantDocument, PurgeTenantDocument } from '../../generated/graphql.js';
import { Confirm } from '../../parts/forms/confirm.js';
import { TimeText } from '../../parts/values/time-text.js';
import { ResolvesNow } from '../detail/resolves-now.js';
import type { TenantDetail } from '../detail/tenant-detail.js';

interface DialogProps {
  tenant: TenantDetail;
  isOpen: boolean;
  onClose: () => void;
}

export function DeleteDialog({ tenant, isOpen, onClose }: DialogProps) {
  const [days, setDays] = useState<number>();
  const remove = useChange(DeleteTenantDocument, {
    onDone() {
      onClose();
      notifications.show({ color: 'teal', message: `${tenant.name} is deleted; it can be restored` });
    },
  });
  const input = { tenantId: tenant.id, expectedVersion: tenant.version };
  return (
    <Confirm
      isOpen={isOpen}
      onClose={onClose}
      title={`Delete ${tenant.name}`}
      verb="Delete"
      typed={tenant.slug}
      isDangerous
      change={remove}
      onConfirm={() =>
        remove.mutate({ input: { ...input, ...(days !== undefined && { restorableDays: days }) } })
      }
    >
      <Stack>
        <Text size="sm">
          The tenant stops resolving at once. For a time it can be restored with its data; after that the data
          is dropped.
        </Text>
        <ResolvesNow tenant={tenant} />
        <NumberInput
          label="Can be restored for days"
          description="Empty: as long as usual."
          min={0}
          hideControls
          value={days ?? ''}
          onChange={(value) => setDays(typeof value === 'number' ? value : undefined)}
        />
      </Stack>
    </Confirm>
  );
}

export function PurgeDialog({ tenant, isOpen, onClose }: DialogProps) {
  const [after, setAfter] = useState('');
  const purge = useChange(PurgeTenantDocument, {
    onDone() {
      onClose();
      notifications.show({ color: 'teal', message: `The purge of ${tenant.name} is scheduled` });
    },
  });
  const time = new Date(after);
  const storages = tenant.subscriptions.filter(({ storageRemovedAt }) => storageRemovedAt === null);
  return (
    <Confirm
      isOpen={isOpen}
      onClose={onClose}
      title={`Purge ${tenant.name}`}
      verb="Purge"
      typed={tenant.slug}
      isDangerous
      change={purge}
      onConfirm={() =>
        purge.mutate({
          input: {
            ...{ tenantId: tenant.id, expectedVersion: tenant.version },
            ...(!Number.isNaN(time.getTime()) && { purgeAfter: time.toISOString() }),
          },
        })
      }
    >
      <Stack>
        <Text size="sm">
          All data of the tenant is dropped, and its personal data is erased. Afterwards nothing can bring it
          back. Its id, slug and names stay reserved.
        </Text>
        {storages.length > 0 && (
          <Text component="div" size="sm">
            What goes:
            <ul>
              {storages.map(({ id, module, databaseName, schemaName }) => (
                <li key={id}>
                  {module.name}: schema {schemaName} in {databaseName}
                </li>
              ))}
            </ul>
          </Text>
        )}
        <ResolvesNow tenant={tenant} />
        <TextInput
          type="datetime-local"
          label="When"
          description={
            <>
              Empty: at the end of the time in which it can be restored (
              <TimeText value={tenant.restorableUntil} />
              ). A time in the past: at once.
            </>
          }
          value={after}
          onChange={(event) => setAfter(event.currentTarget.value)}
        />
      </Stack>
    </Confirm>
  );
}
