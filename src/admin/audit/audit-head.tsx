import { Code, Paper, Stack, Text } from '@mantine/core';
import { useScreen } from '../api/queries.js';
import { AuditHeadDocument } from '../generated/graphql.js';
import { CopyText } from '../parts/values/copy-text.js';
import { TimeText } from '../parts/values/time-text.js';
import { numberOf } from './audit-filter.js';

/** The end of the hash chain, in the form that "doctor audit" takes. */
export function AuditHead() {
  const { data, isPending } = useScreen(AuditHeadDocument, {});
  const newest = data?.auditLog.edges[0]?.node;
  // The list below does not move when the head arrives.
  if (!newest && !isPending) return null;
  return (
    <Paper withBorder p="md">
      <Stack gap={6}>
        <Text size="sm" fw={600}>
          Head of the hash chain, <TimeText value={newest?.changedAt} />
        </Text>
        <CopyText value={newest ? `${numberOf(newest.revision)}:${newest.hash}` : '…'} label="head" />
        <Text size="sm" c="dimmed">
          Every entry has the hash of the one before it. Store the head outside the registry:{' '}
          <Code>tenant-registry doctor audit --expect HEAD</Code> then proves that no entry up to it was
          altered.
        </Text>
      </Stack>
    </Paper>
  );
}
