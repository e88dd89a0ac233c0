import { Paper } from '@mantine/core';
import { CopyText } from '../../parts/values/copy-text.js';
import { Facts } from '../../parts/values/facts.js';
import { TimeText } from '../../parts/values/time-text.js';
import type { TenantDetail } from './tenant-detail.js';

export function TenantFacts({ tenant }: { tenant: TenantDetail }) {
  return (
    <Paper withBorder p="md">
      <Facts
        rows={{
          Id: <CopyText value={tenant.id} label="id" />,
          Slug: <CopyText value={tenant.slug} label="slug" />,
          Plan: tenant.plan.toLowerCase(),
          'Short name': tenant.shortName,
          Email: tenant.primaryEmail,
          'Time zone': tenant.timezone,
          Currency: tenant.currency,
          'GCP project': tenant.gcpProjectId,
          'GCP dataset': tenant.gcpDataset,
          'Configuration from': tenant.configSource.toLowerCase(),
          'Protected against deletion': tenant.isProtected ? 'yes' : 'no',
          Created: <TimeText value={tenant.createdAt} />,
          'Created by': tenant.createdBy,
          Changed: <TimeText value={tenant.updatedAt} />,
          Version: tenant.version,
          Suspended: tenant.suspendedAt ? <TimeText value={tenant.suspendedAt} /> : undefined,
          'Reason of the suspension': tenant.suspendedAt ? tenant.suspendedReason : undefined,
          'Suspended until': tenant.suspendUntil ? <TimeText value={tenant.suspendUntil} /> : undefined,
          Deleted: tenant.deletedAt ? <TimeText value={tenant.deletedAt} /> : undefined,
          'Can be restored until': tenant.restorableUntil ? (
            <TimeText value={tenant.restorableUntil} />
          ) : undefined,
          'Internal note': tenant.internalNote ?? undefined,
        }}
      />
    </Paper>
  );
}
