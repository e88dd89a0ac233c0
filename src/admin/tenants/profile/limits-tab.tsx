import { Paper, Progress, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useChange, useScreen } from '../../api/queries.js';
import {
  TenantLimitsDocument,
  type TenantLimitsQuery,
  UpdateTenantDocument,
} from '../../generated/graphql.js';
import { useDraft } from '../../parts/forms/draft.js';
import { type Field, FieldsForm } from '../../parts/forms/fields-form.js';
import { ScreenState } from '../../parts/loading/screen-state.js';
import { TimeText } from '../../parts/values/time-text.js';
import { usageTitles } from '../list/usage-columns.js';

type Limits = NonNullable<TenantLimitsQuery['tenant']>;

const fields: readonly Field[] = [
  { name: 'maxUsers', label: 'Users at most', kind: 'number' },
  { name: 'maxMonthlyQuotes', label: 'Quotes a month at most', kind: 'number' },
  { name: 'maxStorageGb', label: 'Storage at most, GB', kind: 'number' },
];

/** What the tenant uses, and its limits. */
export function LimitsTab({ tenantId }: { tenantId: string }) {
  // Usage is not in the audit log.
  const query = useScreen(TenantLimitsDocument, { id: tenantId }, { everyMs: 10_000 });
  return <ScreenState query={query}>{({ tenant }) => tenant && <Limits tenant={tenant} />}</ScreenState>;
}

function Limits({ tenant }: { tenant: Limits }) {
  const { maxUsers, maxMonthlyQuotes, maxStorageGb } = tenant;
  const draft = useDraft({ maxUsers, maxMonthlyQuotes, maxStorageGb });
  const update = useChange(UpdateTenantDocument, {
    onDone() {
      draft.reset();
      notifications.show({ color: 'teal', message: 'Limits saved' });
    },
  });
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        {tenant.usage.map((usage) => (
          <UsageCard key={usage.metric} usage={usage} isOwn={tenant.ownLimits.includes(usage.metric)} />
        ))}
      </SimpleGrid>
      <Title order={2} size="h4">
        Limits
      </Title>
      <FieldsForm
        fields={fields}
        draft={draft}
        action="updateTenant"
        change={update}
        onSave={() =>
          update.mutate({ input: { tenantId: tenant.id, expectedVersion: tenant.version, ...draft.changed } })
        }
      />
    </Stack>
  );
}

function UsageCard({ usage, isOwn }: { usage: Limits['usage'][number]; isOwn: boolean }) {
  const { metric, used, limit, periodEnd } = usage;
  const percent = limit === 0 ? 100 : Math.min(100, (100 * used) / limit);
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">
        {usageTitles[metric]}
      </Text>
      <Text fw={600}>
        {used.toLocaleString()} of {limit.toLocaleString()}
      </Text>
      <Progress
        value={percent}
        color={percent >= 100 ? 'red' : percent >= 80 ? 'orange' : 'indigo'}
        my="xs"
        aria-label={`${usageTitles[metric]} used`}
      />
      <Text size="xs" c="dimmed">
        {isOwn ? 'A limit of its own' : 'The limit of its plan'}
        {periodEnd && (
          <>
            ; counts anew <TimeText value={periodEnd} />
          </>
        )}
      </Text>
    </Paper>
  );
}
