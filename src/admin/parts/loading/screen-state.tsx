import { Loader, Stack, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ApiError } from '../../api/api-error.js';
import { EmptyState } from '../notices/empty-state.js';
import { ErrorCard } from '../notices/error-card.js';

/** Shows what was read; before that a loader, and why it cannot be read. What is there stays during an outage. */
export function ScreenState<Data>({
  query,
  children,
}: {
  query: UseQueryResult<Data, ApiError>;
  children: (data: Data) => ReactNode;
}) {
  const { data, error, failureReason, refetch } = query;
  if (data !== undefined)
    return (
      <>
        {error && <ErrorCard error={error} onRetry={() => void refetch()} />}
        {children(data)}
      </>
    );
  if (error?.code === 'FORBIDDEN' || error?.code === 'TENANT_MISMATCH')
    return <EmptyState title="Not allowed">{error.message}.</EmptyState>;
  if (error) return <ErrorCard error={error} onRetry={() => void refetch()} />;
  return (
    <Stack align="center" py="xl" role="status">
      <Loader aria-hidden />
      <Text size="sm" c="dimmed">
        {failureReason?.code === 'CONNECTION_LOST' ? 'Waiting for the gateway…' : 'Loading…'}
      </Text>
    </Stack>
  );
}
