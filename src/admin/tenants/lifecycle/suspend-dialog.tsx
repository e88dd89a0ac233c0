import { Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useChange } from '../../api/queries.js';
import { ResumeTenantDocument, SuspendTenantDocument } from '../../generated/graphql.js';
import { Confirm } from '../../parts/forms/confirm.js';
import { showUndo } from '../../parts/notices/undo.js';
import { ResolvesNow } from '../detail/resolves-now.js';
import type { TenantDetail } from '../detail/tenant-detail.js';

interface DialogProps {
  tenant: TenantDetail;
  isOpen: boolean;
  onClose: () => void;
}

export function SuspendDialog({ tenant, isOpen, onClose }: DialogProps) {
  const [reason, setReason] = useState('');
  const [until, setUntil] = useState('');
  const resume = useChange(ResumeTenantDocument);
  const suspend = useChange(SuspendTenantDocument, {
    onDone() {
      onClose();
      showUndo(`${tenant.name} is suspended`, () => resume.mutateAsync({ input: { tenantId: tenant.id } }));
    },
  });
  const end = new Date(until);
  const input = {
    tenantId: tenant.id,
    expectedVersion: tenant.version,
    reason: reason.trim(),
    ...(!Number.isNaN(end.getTime()) && { suspendUntil: end.toISOString() }),
  };
  return (
    <Confirm
      isOpen={isOpen}
      onClose={onClose}
      title={`Suspend ${tenant.name}`}
      verb="Suspend"
      typed={tenant.slug}
      isDangerous
      isReady={reason.trim() !== ''}
      change={suspend}
      onConfirm={() => suspend.mutate({ input })}
    >
      <Stack>
        <Text size="sm">The tenant stops resolving at once. Nothing is deleted.</Text>
        <ResolvesNow tenant={tenant} />
        <TextInput
          label="Reason"
          description="Services that ask for the tenant see it."
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          required
          data-autofocus
          dir="auto"
        />
        <TextInput
          type="datetime-local"
          label="Until"
          description="Then the tenant resumes by itself. Empty: until somebody resumes it."
          value={until}
          onChange={(event) => setUntil(event.currentTarget.value)}
        />
      </Stack>
    </Confirm>
  );
}
