import { Code, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { useChange } from '../../api/queries.js';
import { type RolloutQuery, SkipTenantInRolloutDocument } from '../../generated/graphql.js';
import { Confirm } from '../../parts/forms/confirm.js';
import { Notice } from '../../parts/notices/notice.js';
import { countText } from '../../parts/values/count-text.js';
import { StatusBadge } from '../../parts/values/status-badge.js';
import { AllowedButton } from '../../session/allowed-button.js';
import { waveName } from '../progress/waves.js';

export type RolloutDetail = NonNullable<RolloutQuery['rollout']>;
export type RolloutTenantDetail = RolloutDetail['tenants']['edges'][number]['node'];

/** The tenants that failed or are blocked, with the reason and what can be done. */
export function RolloutFailures({
  rollout,
  isOpen,
  count,
}: {
  rollout: RolloutDetail;
  isOpen: boolean;
  count: number;
}) {
  const [skipped, setSkipped] = useState<RolloutTenantDetail>();
  const failures = rollout.tenants.edges.map(({ node }) => node);
  if (failures.length === 0) return null;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Failures
      </Title>
      <Stack gap="xs">
        {failures.map((failure) => (
          <Failure
            key={failure.tenantId}
            failure={failure}
            onSkip={isOpen ? () => setSkipped(failure) : undefined}
          />
        ))}
        {count > failures.length && (
          <Text size="sm" c="dimmed">
            The first {failures.length} of {count.toLocaleString()}; the list below has all of them by status.
          </Text>
        )}
      </Stack>
      <SkipDialog rollout={rollout} tenant={skipped} onClose={() => setSkipped(undefined)} />
    </section>
  );
}

function Failure({ failure, onSkip }: { failure: RolloutTenantDetail; onSkip: (() => void) | undefined }) {
  const { tenantId, tenantSlug, wave, status, file, error, errorCode, violations, attempts } = failure;
  return (
    <Notice tone={status === 'FAILED' ? 'bad' : 'warning'}>
      <Group justify="space-between" align="flex-start">
        <Group gap="xs">
          <Link className="cell-link" to={`/tenants/${tenantId}`} dir="auto">
            {tenantSlug ?? tenantId}
          </Link>
          <StatusBadge status={status} />
          <Text size="sm">
            {waveName(wave)}, {countText(attempts, 'attempt')}
          </Text>
          {file && <Code>{file}</Code>}
        </Group>
        {onSkip && (
          <AllowedButton action="skipTenantInRollout" size="xs" variant="default" onClick={onSkip}>
            Skip {tenantSlug ?? ''}
          </AllowedButton>
        )}
      </Group>
      <Text size="sm" mt={4} dir="auto" className="wrap">
        {errorCode && <Code>{errorCode}</Code>} {error}
      </Text>
      {violations && (
        <Code block mt="xs" className="wrap" dir="auto">
          {violations.map((row) => JSON.stringify(row)).join('\n')}
        </Code>
      )}
    </Notice>
  );
}

function SkipDialog({
  rollout,
  tenant,
  onClose,
}: {
  rollout: RolloutDetail;
  tenant: RolloutTenantDetail | undefined;
  onClose: () => void;
}) {
  const [reason, setReason] = useState('');
  const skip = useChange(SkipTenantInRolloutDocument, {
    onDone() {
      setReason('');
      onClose();
    },
  });
  const name = tenant?.tenantSlug ?? tenant?.tenantId ?? '';
  return (
    <Confirm
      isOpen={tenant !== undefined}
      title={`Skip ${name}`}
      verb="Skip"
      change={skip}
      onClose={onClose}
      onConfirm={() =>
        tenant &&
        skip.mutate({
          input: {
            id: rollout.id,
            tenantId: tenant.tenantId,
            ...(reason.trim() && { reason: reason.trim() }),
          },
        })
      }
    >
      The rollout leaves the tenant at its version. A later rollout takes it along.
      <TextInput
        mt="sm"
        label="Reason"
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        maxLength={500}
        dir="auto"
        data-autofocus
      />
    </Confirm>
  );
}
