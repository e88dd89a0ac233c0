import { Alert, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import type { ProvisionTenantMutation } from '../../generated/graphql.js';
import { LiveOperation } from '../../operations/live-operation.js';
import { CopyText } from '../../parts/values/copy-text.js';
import { TimeText } from '../../parts/values/time-text.js';
import type { Submission } from './submission.js';

type Provisioned = NonNullable<ProvisionTenantMutation['provisionTenant']>;

interface OutcomeProps {
  name: string;
  submission: Submission;
  /** Back to what was typed, after a failure. */
  onBack: () => void;
  onAnother: () => void;
}

/** The end of the wizard: the operation as it goes on, and the invitation of the first admin. */
export function Outcome({ name, submission: { result, operationId }, onBack, onAnother }: OutcomeProps) {
  const [retriedId, setRetriedId] = useState<string>();
  const shown = retriedId ?? operationId;
  return (
    <Stack maw={720}>
      <Title order={2} size="h3" dir="auto" className="wrap">
        {titleOf(name, result, retriedId !== undefined)}
      </Title>
      {shown && (
        <Paper withBorder p="md">
          <LiveOperation id={shown} onRetried={setRetriedId} />
        </Paper>
      )}
      {result?.invitationToken && (
        <Alert color="blue" title="The invitation of the first admin">
          <Stack gap="xs">
            <Text size="sm">
              This token is shown only now. Send it to the first admin, who accepts by it
              {result.invitation && (
                <>
                  {' '}
                  until <TimeText value={result.invitation.expiresAt} />
                </>
              )}
              .
            </Text>
            <CopyText value={result.invitationToken} label="invitation token" />
          </Stack>
        </Alert>
      )}
      {result?.invitation && !result.invitationToken && (
        <Alert color="yellow" title="The token of the invitation was in an answer that got lost">
          Invite the admin again on the screen of the tenant: that gives a new token.
        </Alert>
      )}
      {result && (
        <Group>
          <Button component={Link} to={`/tenants/${encodeURIComponent(result.tenant.slug)}`}>
            Open the tenant
          </Button>
          <Button variant="default" onClick={onAnother}>
            Register another
          </Button>
          {hasFailed(result) && (
            <Button variant="subtle" onClick={onBack}>
              Back to what was typed
            </Button>
          )}
        </Group>
      )}
    </Stack>
  );
}

function hasFailed(result: NonNullable<Submission['result']>): boolean {
  const end = 'operation' in result ? (result as Provisioned).operation?.status : undefined;
  return end !== undefined && end !== 'SUCCEEDED';
}

function titleOf(name: string, result: Submission['result'], isRetried: boolean): string {
  if (!result) return `${name} is being created`;
  if (isRetried) return `${name} is being created again`;
  return hasFailed(result) ? `${name} could not be created` : `${result.tenant.name} is registered`;
}
