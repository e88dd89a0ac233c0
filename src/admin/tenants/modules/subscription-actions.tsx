import { Checkbox, Group, NativeSelect, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useChange } from '../../api/queries.js';
import {
  MarkModuleProvisionedDocument,
  type ProvisioningOutcome,
  ProvisionModuleDocument,
  ResumeSubscriptionDocument,
  SuspendSubscriptionDocument,
  UnsubscribeTenantFromModuleDocument,
} from '../../generated/graphql.js';
import { Confirm } from '../../parts/forms/confirm.js';
import { ErrorCard } from '../../parts/notices/error-card.js';
import { showUndo } from '../../parts/notices/undo.js';
import { AllowedButton } from '../../session/allowed-button.js';
import type { TenantDetail } from '../detail/tenant-detail.js';

type Subscription = TenantDetail['subscriptions'][number];
type Dialog = 'suspend' | 'unsubscribe' | 'report' | undefined;

interface ActionsProps {
  tenant: TenantDetail;
  subscription: Subscription;
  /** Work goes on in this operation. */
  onOperation: (id: string) => void;
}

/** Changes of one module of a tenant. */
export function SubscriptionActions({ tenant, subscription, onOperation }: ActionsProps) {
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const { status, version, module } = subscription;
  const input = { tenantId: tenant.id, module: module.name, expectedVersion: version };
  const resume = useChange(ResumeSubscriptionDocument);
  const provision = useChange(ProvisionModuleDocument, {
    onDone: ({ provisionModule }) => provisionModule?.operation && onOperation(provisionModule.operation.id),
  });
  const isWaiting = ['PENDING', 'FAILED'].includes(status);
  return (
    <>
      <Group gap="xs">
        {/* One button, so that the focus stays on it when it gets another meaning. */}
        {status === 'ACTIVE' ? (
          <AllowedButton
            action="suspendSubscription"
            size="xs"
            variant="default"
            onClick={() => setDialog('suspend')}
          >
            Suspend {module.name}
          </AllowedButton>
        ) : status === 'SUSPENDED' ? (
          <AllowedButton
            action="resumeSubscription"
            size="xs"
            loading={resume.isPending}
            onClick={() => resume.mutate({ input })}
          >
            Resume {module.name}
          </AllowedButton>
        ) : null}
        {isWaiting && (
          <>
            <AllowedButton
              action="provisionModule"
              size="xs"
              loading={provision.isPending}
              onClick={() => provision.mutate({ input })}
            >
              Create the storage
            </AllowedButton>
            <AllowedButton
              action="markModuleProvisioned"
              size="xs"
              variant="default"
              onClick={() => setDialog('report')}
            >
              Report as provisioned
            </AllowedButton>
          </>
        )}
        {!['CANCELLED', 'DEPROVISIONING'].includes(status) && (
          <AllowedButton
            action="unsubscribeTenantFromModule"
            size="xs"
            variant="outline"
            color="red"
            onClick={() => setDialog('unsubscribe')}
          >
            Unsubscribe
          </AllowedButton>
        )}
      </Group>
      <ErrorCard error={resume.error ?? provision.error} />
      {dialog === 'suspend' && <SuspendDialog tenant={tenant} subscription={subscription} onClose={close} />}
      {dialog === 'unsubscribe' && (
        <UnsubscribeDialog
          tenant={tenant}
          subscription={subscription}
          onOperation={onOperation}
          onClose={close}
        />
      )}
      {dialog === 'report' && (
        <ReportDialog tenant={tenant} subscription={subscription} onOperation={onOperation} onClose={close} />
      )}
    </>
  );
}

type DialogProps = Omit<ActionsProps, 'onOperation'> & { onClose: () => void };

function SuspendDialog({ tenant, subscription, onClose }: DialogProps) {
  const [reason, setReason] = useState('');
  const { module, version } = subscription;
  const input = { tenantId: tenant.id, module: module.name };
  const resume = useChange(ResumeSubscriptionDocument);
  const suspend = useChange(SuspendSubscriptionDocument, {
    onDone() {
      onClose();
      showUndo(`${module.name} is suspended for ${tenant.name}`, () => resume.mutateAsync({ input }));
    },
  });
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={`Suspend ${module.name} for ${tenant.name}`}
      verb="Suspend"
      isDangerous
      change={suspend}
      onConfirm={() =>
        suspend.mutate({
          input: { ...input, expectedVersion: version, ...(reason.trim() && { reason: reason.trim() }) },
        })
      }
    >
      <Stack>
        <Text size="sm">The module stops resolving for this tenant at once; its other modules go on.</Text>
        <TextInput
          label="Reason"
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          data-autofocus
          dir="auto"
        />
      </Stack>
    </Confirm>
  );
}

function UnsubscribeDialog({
  tenant,
  subscription,
  onOperation,
  onClose,
}: ActionsProps & { onClose: () => void }) {
  const [days, setDays] = useState<number>();
  const { module, version, schemaName, databaseName } = subscription;
  const unsubscribe = useChange(UnsubscribeTenantFromModuleDocument, {
    onDone({ unsubscribeTenantFromModule: result }) {
      onClose();
      if (result?.operation) onOperation(result.operation.id);
    },
  });
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={`Unsubscribe ${tenant.name} from ${module.name}`}
      verb="Unsubscribe"
      typed={tenant.slug}
      isDangerous
      change={unsubscribe}
      onConfirm={() =>
        unsubscribe.mutate({
          input: {
            ...{ tenantId: tenant.id, module: module.name, expectedVersion: version },
            ...(days !== undefined && { keepDataDays: days }),
          },
        })
      }
    >
      <Stack>
        <Text size="sm">
          The module stops resolving at once. The data in {databaseName}, schema {schemaName}, is kept for a
          time and then dropped.
        </Text>
        <NumberInput
          label="Keep the data for days"
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

/** For storage that was created outside the registry. */
function ReportDialog({
  tenant,
  subscription,
  onOperation,
  onClose,
}: ActionsProps & { onClose: () => void }) {
  const [status, setStatus] = useState<ProvisioningOutcome>('SUCCESS');
  const [error, setError] = useState('');
  const [isSure, setSure] = useState(false);
  const { module, version } = subscription;
  const report = useChange(MarkModuleProvisionedDocument, {
    onDone({ markModuleProvisioned: result }) {
      onClose();
      if (result?.operation) onOperation(result.operation.id);
      notifications.show({ color: 'teal', message: 'Reported' });
    },
  });
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={`Report ${module.name} as provisioned`}
      verb="Report"
      isReady={isSure}
      change={report}
      onConfirm={() =>
        report.mutate({
          input: {
            ...{ tenantId: tenant.id, module: module.name, expectedVersion: version, status },
            ...(status === 'FAILED' && error.trim() && { error: error.trim() }),
          },
        })
      }
    >
      <Stack>
        <NativeSelect
          label="Result"
          data={[
            { value: 'SUCCESS', label: 'the storage stands' },
            { value: 'FAILED', label: 'it could not be created' },
          ]}
          value={status}
          onChange={(event) => setStatus(event.currentTarget.value as ProvisioningOutcome)}
        />
        {status === 'FAILED' && (
          <TextInput
            label="Reason"
            value={error}
            onChange={(event) => setError(event.currentTarget.value)}
            dir="auto"
          />
        )}
        <Checkbox
          label={`The storage of ${subscription.schemaName} in ${subscription.databaseName} was handled outside the registry`}
          checked={isSure}
          onChange={(event) => setSure(event.currentTarget.checked)}
        />
      </Stack>
    </Confirm>
  );
}
