import { List, Text } from '@mantine/core';
import { useScreen } from '../../api/queries.js';
import { TenantRouteDocument } from '../../generated/graphql.js';
import { useRights } from '../../session/rights.js';
import type { TenantDetail } from './tenant-detail.js';

/** The modules that services get an answer for at this moment, before a change ends that. */
export function ResolvesNow({ tenant }: { tenant: TenantDetail }) {
  const modules = tenant.subscriptions.filter(
    ({ status }) => !['CANCELLED', 'DEPROVISIONING'].includes(status),
  );
  if (modules.length === 0) return <Text size="sm">No module of it resolves now.</Text>;
  return (
    <div>
      <Text size="sm" fw={600}>
        What services get now
      </Text>
      <List size="sm">
        {modules.map(({ id, module }) => (
          <ModuleRoute key={id} tenantId={tenant.id} module={module.name} />
        ))}
      </List>
    </div>
  );
}

function ModuleRoute({ tenantId, module }: { tenantId: string; module: string }) {
  const { may } = useRights();
  const { data, error } = useScreen(
    TenantRouteDocument,
    { id: tenantId, module },
    { isEnabled: may('readRegistry') },
  );
  const answer = data?.explainResolution;
  return (
    <List.Item>
      {module}:{' '}
      {answer?.route
        ? `resolves to ${answer.route.schemaName} in ${answer.route.databaseName}`
        : answer
          ? `is refused already (${answer.code})`
          : error
            ? `not shown: ${error.message}`
            : '…'}
    </List.Item>
  );
}
