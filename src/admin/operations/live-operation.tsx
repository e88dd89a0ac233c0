import { Alert, Group, List, Progress, Stack, Text } from '@mantine/core';
import { asApiError } from '../api/api-error.js';
import { useLive } from '../api/live.js';
import { useChange } from '../api/queries.js';
import {
  CancelOperationDocument,
  OperationProgressDocument,
  type OperationProgressSubscription,
  RetryOperationDocument,
} from '../generated/graphql.js';
import { ErrorCard } from '../parts/notices/error-card.js';
import { StatusBadge, statusText } from '../parts/values/status-badge.js';
import { AllowedButton } from '../session/allowed-button.js';

type LiveState = OperationProgressSubscription['operationProgress']['operation'];

const retryable = ['FAILED', 'COMPENSATED', 'CANCELLED', 'NEEDS_ATTENTION'];

/** An operation as it goes on, with its steps, and what can be done about it. */
export function LiveOperation({ id, onRetried }: { id: string; onRetried?: (id: string) => void }) {
  const { event, error } = useLive(
    OperationProgressDocument,
    { id },
    { isEnd: (one) => one.operationProgress.isEnd },
  );
  const retry = useChange(RetryOperationDocument, {
    onDone: ({ retryOperation }) => onRetried?.(retryOperation?.operation?.id ?? id),
  });
  const cancel = useChange(CancelOperationDocument);
  const operation = event?.operationProgress.operation;
  if (error) return <ErrorCard error={error} />;
  if (!operation)
    return (
      <Text size="sm" c="dimmed" role="status">
        Waiting for news of the operation…
      </Text>
    );
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Group gap="xs" role="status">
          <Text fw={600}>{statusText(operation.kind)}</Text>
          <StatusBadge status={operation.status} />
        </Group>
        <Group gap="xs">
          {retryable.includes(operation.status) && (
            <AllowedButton
              action="retryOperation"
              size="xs"
              loading={retry.isPending}
              onClick={() => retry.mutate({ input: { id } })}
            >
              Retry
            </AllowedButton>
          )}
          {['QUEUED', 'RUNNING'].includes(operation.status) && (
            <AllowedButton
              action="cancelOperation"
              size="xs"
              variant="default"
              loading={cancel.isPending}
              disabled={operation.cancelRequestedAt !== null}
              onClick={() => cancel.mutate({ input: { id } })}
            >
              {operation.cancelRequestedAt === null ? 'Cancel' : 'Cancelling…'}
            </AllowedButton>
          )}
        </Group>
      </Group>
      {operation.progress && <TenantProgress progress={operation.progress} />}
      <Steps steps={operation.steps} />
      {operation.error && (
        <Alert color="red" title="The operation ended with an error">
          <Text size="sm" dir="auto" className="wrap">
            {operation.error}
          </Text>
          <Text size="sm" mt="xs">
            {operation.progress
              ? 'The list of tenants has the reason of each. Mend the causes, then retry: only these tenants are changed again.'
              : 'Mend the cause, then retry: it starts again under the same names.'}
          </Text>
        </Alert>
      )}
      <ErrorCard error={retry.error && asApiError(retry.error)} />
      <ErrorCard error={cancel.error && asApiError(cancel.error)} />
    </Stack>
  );
}

function TenantProgress({ progress }: { progress: NonNullable<LiveState['progress']> }) {
  const { total, succeeded, failed, cancelled } = progress;
  const percent = (count: number) => (total === 0 ? 0 : (100 * count) / total);
  return (
    <div>
      <Progress.Root size="lg">
        <Progress.Section value={percent(succeeded)} color="teal" aria-label="Succeeded" />
        <Progress.Section value={percent(failed)} color="red" aria-label="Failed" />
        <Progress.Section value={percent(cancelled)} color="gray" aria-label="Cancelled" />
      </Progress.Root>
      <Text size="sm" mt={4}>
        {succeeded} of {total} tenants changed, {failed} failed{cancelled > 0 && `, ${cancelled} cancelled`}
      </Text>
    </div>
  );
}

function Steps({ steps }: { steps: LiveState['steps'] }) {
  if (steps.length === 0) return null;
  return (
    <List size="sm" spacing={4} type="ordered">
      {steps.map(({ name, module, status, error }) => (
        <List.Item key={`${name} ${module}`}>
          <Group gap="xs">
            {statusText(name)} {module && <code>{module}</code>} <StatusBadge status={status} />
          </Group>
          {error && (
            <Text size="sm" className="wrap" dir="auto">
              {error}
            </Text>
          )}
        </List.Item>
      ))}
    </List>
  );
}
