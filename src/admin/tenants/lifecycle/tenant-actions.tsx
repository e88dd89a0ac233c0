import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useChange } from '../../api/queries.js';
import { RestoreTenantDocument, ResumeTenantDocument } from '../../generated/graphql.js';
import { AllowedButton } from '../../session/allowed-button.js';
import type { TenantDetail } from '../detail/tenant-detail.js';
import { DeleteDialog, PurgeDialog } from './delete-dialogs.js';
import { SuspendDialog } from './suspend-dialog.js';

type Dialog = 'suspend' | 'delete' | 'purge' | undefined;

/** Changes of a tenant's status. */
export function TenantActions({ tenant }: { tenant: TenantDetail }) {
  const [dialog, setDialog] = useState<Dialog>();
  const { id, name, status, version } = tenant;
  const input = { tenantId: id, expectedVersion: version };
  const resume = useChange(ResumeTenantDocument, { onDone: () => done(`${name} is resumed`) });
  const restore = useChange(RestoreTenantDocument, { onDone: () => done(`${name} is restored`) });
  const fail = (error: Error) =>
    notifications.show({ color: 'red', title: 'Refused', message: error.message });
  return (
    <>
      {/* One button, so that the focus stays on it when it gets another meaning. */}
      {status === 'ACTIVE' ? (
        <AllowedButton action="suspendTenant" variant="default" onClick={() => setDialog('suspend')}>
          Suspend
        </AllowedButton>
      ) : status === 'SUSPENDED' ? (
        <AllowedButton
          action="resumeTenant"
          loading={resume.isPending}
          onClick={() => resume.mutate({ input }, { onError: fail })}
        >
          Resume
        </AllowedButton>
      ) : null}
      {status === 'DELETED' && (
        <AllowedButton
          action="restoreTenant"
          loading={restore.isPending}
          onClick={() => restore.mutate({ input }, { onError: fail })}
        >
          Restore
        </AllowedButton>
      )}
      {status === 'DELETED' && (
        <AllowedButton action="purgeTenant" variant="outline" color="red" onClick={() => setDialog('purge')}>
          Purge
        </AllowedButton>
      )}
      {['ACTIVE', 'SUSPENDED', 'FAILED'].includes(status) && (
        <AllowedButton
          action="deleteTenant"
          variant="outline"
          color="red"
          onClick={() => setDialog('delete')}
        >
          Delete
        </AllowedButton>
      )}
      <SuspendDialog tenant={tenant} isOpen={dialog === 'suspend'} onClose={() => setDialog(undefined)} />
      <DeleteDialog tenant={tenant} isOpen={dialog === 'delete'} onClose={() => setDialog(undefined)} />
      <PurgeDialog tenant={tenant} isOpen={dialog === 'purge'} onClose={() => setDialog(undefined)} />
    </>
  );
}

function done(message: string): void {
  notifications.show({ color: 'teal', message });
}
