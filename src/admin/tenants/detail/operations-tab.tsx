import { Accordion, Group, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import { LiveOperation } from '../../operations/live-operation.js';
import { EmptyState } from '../../parts/notices/empty-state.js';
import { StatusBadge, statusText } from '../../parts/values/status-badge.js';
import { TimeText } from '../../parts/values/time-text.js';
import type { TenantDetail } from './tenant-detail.js';

/** The newest operations of a tenant; the opened one is live. */
export function OperationsTab({ tenant }: { tenant: TenantDetail }) {
  const operations = tenant.operations.edges.map(({ node }) => node);
  if (operations.length === 0)
    return <EmptyState title="No operations">Nothing was provisioned for this tenant.</EmptyState>;
  return (
    <Stack gap="sm">
      <Accordion variant="contained" chevronPosition="left" keepMounted={false}>
        {operations.map(({ id, kind, status, createdAt, actor }) => (
          <Accordion.Item key={id} value={id}>
            <Accordion.Control>
              <Group gap="xs">
                <Text size="sm">{statusText(kind)}</Text>
                <StatusBadge status={status} />
                <Text size="sm" c="dimmed">
                  <TimeText value={createdAt} />, {actor}
                </Text>
              </Group>
            </Accordion.Control>
            <Accordion.Panel>
              <OpenOperation id={id} />
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
      <Link to={`/operations?tenant=${tenant.slug}`}>All operations of this tenant</Link>
    </Stack>
  );
}

/** Mounted with its panel only, so that no stream is open for a closed one. */
function OpenOperation({ id }: { id: string }) {
  return (
    <Stack gap="xs">
      <LiveOperation id={id} />
      <Link to={`/operations/${id}`}>Everything about this operation</Link>
    </Stack>
  );
}
