import { Accordion, Code, Group, List, Paper, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { LiveOperation } from '../../operations/live-operation.js';
import { EmptyState } from '../../parts/notices/empty-state.js';
import { Facts } from '../../parts/values/facts.js';
import { StatusBadge, statusText } from '../../parts/values/status-badge.js';
import { TimeText } from '../../parts/values/time-text.js';
import { AllowedButton } from '../../session/allowed-button.js';
import type { TenantDetail } from '../detail/tenant-detail.js';
import { SubscribeDialog } from './subscribe-dialog.js';
import { SubscriptionActions } from './subscription-actions.js';

type Subscription = TenantDetail['subscriptions'][number];

/** The modules of a tenant, with the history of the work on each. */
export function TenantModules({ tenant }: { tenant: TenantDetail }) {
  const [operation, setOperation] = useState<string>();
  const [isSubscribing, setSubscribing] = useState(false);
  return (
    <Stack>
      <Group>
        <AllowedButton action="subscribeTenantToModule" onClick={() => setSubscribing(true)}>
          Subscribe to a module
        </AllowedButton>
      </Group>
      {operation && (
        <Paper withBorder p="md">
          <LiveOperation key={operation} id={operation} onRetried={setOperation} />
        </Paper>
      )}
      {tenant.subscriptions.length === 0 && (
        <EmptyState title="No modules">The tenant is not subscribed to any module.</EmptyState>
      )}
      {tenant.subscriptions.map((subscription) => (
        <ModuleCard
          key={subscription.id}
          tenant={tenant}
          subscription={subscription}
          onOperation={setOperation}
        />
      ))}
      <SubscribeDialog
        tenant={tenant}
        isOpen={isSubscribing}
        onClose={() => setSubscribing(false)}
        onOperation={setOperation}
      />
    </Stack>
  );
}

interface ModuleCardProps {
  tenant: TenantDetail;
  subscription: Subscription;
  onOperation: (id: string) => void;
}

function ModuleCard({ tenant, subscription, onOperation }: ModuleCardProps) {
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Group justify="space-between">
          <Group gap="sm">
            <Title order={2} size="h4">
              {subscription.module.name}
            </Title>
            <StatusBadge status={subscription.status} />
          </Group>
          <SubscriptionActions tenant={tenant} subscription={subscription} onOperation={onOperation} />
        </Group>
        <Facts
          rows={{
            Schema: <Code>{subscription.schemaName}</Code>,
            Database: <Code>{subscription.databaseName}</Code>,
            Isolation: subscription.isolation.toLowerCase(),
            Migration: subscription.migrationVersion,
            'Newest migration': subscription.module.latestMigration,
            Generation: subscription.generation,
            'First resolved': <TimeText value={subscription.provisionedAt} />,
            Suspended: subscription.suspendedAt ? <TimeText value={subscription.suspendedAt} /> : undefined,
            Reason: subscription.suspendedReason ?? undefined,
            'Data is dropped': subscription.purgeAfter ? (
              <TimeText value={subscription.purgeAfter} />
            ) : undefined,
          }}
        />
        <History subscription={subscription} />
        <Group>
          <Link to={`/explain?tenant=${tenant.slug}&module=${subscription.module.name}`}>
            Explain its resolution
          </Link>
        </Group>
      </Stack>
    </Paper>
  );
}

function History({ subscription }: { subscription: Subscription }) {
  const attempts = subscription.history.edges.map(({ node }) => node);
  if (attempts.length === 0) return null;
  return (
    <Accordion variant="contained" chevronPosition="left">
      <Accordion.Item value="history">
        <Accordion.Control>History: {attempts.length} attempts</Accordion.Control>
        <Accordion.Panel>
          <Stack gap="sm">
            {attempts.map((attempt) => (
              <div key={attempt.id}>
                <Group gap="xs">
                  <Text size="sm">{statusText(attempt.kind)}</Text>
                  <StatusBadge status={attempt.status} />
                  <Text size="sm" c="dimmed">
                    attempt {attempt.number}, <TimeText value={attempt.createdAt} />, {attempt.actor}
                  </Text>
                </Group>
                {attempt.error && (
                  <Text size="sm" className="wrap" dir="auto">
                    {attempt.error}
                  </Text>
                )}
                <List size="sm">
                  {attempt.steps.map((step) => (
                    <List.Item key={`${step.name} ${step.module}`}>
                      {statusText(step.name)} {step.module}: {statusText(step.status)} {step.error}
                    </List.Item>
                  ))}
                </List>
              </div>
            ))}
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
