import { Code, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { Link } from 'react-router';
import { useChange } from '../api/queries.js';
import { type DriftQuery, type DriftResolution, RepairDriftDocument } from '../generated/graphql.js';
import { Confirm } from '../parts/forms/confirm.js';
import { CopyText } from '../parts/values/copy-text.js';
import { Facts } from '../parts/values/facts.js';
import { StatusBadge } from '../parts/values/status-badge.js';
import { TimeText } from '../parts/values/time-text.js';
import { AllowedButton } from '../session/allowed-button.js';
import { Definitions } from './definitions.js';

export type Finding = DriftQuery['drift']['edges'][number]['node'];

const resolutions = {
  KEEP_REGISTRY: {
    verb: 'Repair the database',
    meaning: 'The database is made as the registry and the files of the module say, in one transaction.',
    done: 'The database is repaired',
  },
  KEEP_DATABASE: {
    verb: 'Keep the database',
    meaning:
      'The difference is accepted and not reported again. Another difference of the same object is a new finding.',
    done: 'The difference is accepted',
  },
  IGNORE: {
    verb: 'Ignore',
    meaning: 'The difference is left out of reports. Nothing is changed.',
    done: 'The difference is ignored',
  },
} as const satisfies Record<DriftResolution, object>;

/** A finding with the difference, and the decisions on it. */
export function FindingDetail({ finding }: { finding: Finding }) {
  const [resolution, setResolution] = useState<DriftResolution>();
  const hasDefinitions = finding.expected !== null || finding.found !== null;
  return (
    <Stack gap="sm">
      {hasDefinitions && <Definitions expected={finding.expected} found={finding.found} />}
      <div>
        <Text size="sm" c="dimmed">
          Remedy
        </Text>
        <Text size="sm" className="wrap" dir="auto">
          {finding.remedy}
        </Text>
      </div>
      <Facts
        rows={{
          Code: <Code>{finding.code}</Code>,
          Status: <StatusBadge status={finding.status} />,
          Tenant: finding.tenantId ? (
            <Link to={`/tenants/${finding.tenantId}`}>{finding.tenantSlug ?? finding.tenantId}</Link>
          ) : undefined,
          Module: finding.module ?? undefined,
          Database: finding.databaseName ?? undefined,
          Schema: finding.schemaName ?? undefined,
          'First seen': <TimeText value={finding.firstSeenAt} />,
          'Last seen': <TimeText value={finding.lastSeenAt} />,
          Decided: finding.resolvedAt ? (
            <>
              <TimeText value={finding.resolvedAt} /> by {finding.resolvedBy}
            </>
          ) : undefined,
          Id: <CopyText value={finding.id} label="id" />,
        }}
      />
      <Group gap="xs">
        {(Object.keys(resolutions) as DriftResolution[]).map((one) => (
          <AllowedButton
            key={one}
            action="repairDrift"
            size="xs"
            variant={one === 'KEEP_REGISTRY' ? 'filled' : 'default'}
            onClick={() => setResolution(one)}
          >
            {resolutions[one].verb}
          </AllowedButton>
        ))}
      </Group>
      <RepairDialog finding={finding} resolution={resolution} onClose={() => setResolution(undefined)} />
    </Stack>
  );
}

interface RepairDialogProps {
  finding: Finding;
  resolution: DriftResolution | undefined;
  onClose: () => void;
}

function RepairDialog({ finding, resolution, onClose }: RepairDialogProps) {
  const repair = useChange(RepairDriftDocument, {
    onDone(_result, { input }) {
      notifications.show({ color: 'teal', message: resolutions[input.resolution].done });
      onClose();
    },
  });
  // The object is in no file, so the database without it has lost its data.
  const drops = resolution === 'KEEP_REGISTRY' && finding.code === 'STRUCTURE_EXTRA';
  const name = finding.objectName ?? undefined;
  const text = resolution && resolutions[resolution];
  return (
    <Confirm
      isOpen={resolution !== undefined}
      title={text?.verb ?? ''}
      verb={text?.verb ?? ''}
      typed={drops ? name : undefined}
      isDangerous={drops}
      change={repair}
      onConfirm={() =>
        resolution &&
        repair.mutate({ input: { id: finding.id, resolution, ...(drops && name && { confirm: name }) } })
      }
      onClose={onClose}
    >
      <Stack gap="xs">
        <Text size="sm" fw={600} className="wrap" dir="auto">
          {finding.problem}
        </Text>
        <Text size="sm">{text?.meaning}</Text>
        {drops && (
          <Text size="sm">
            This drops the {finding.objectKind} with all its data. It cannot be brought back.
          </Text>
        )}
      </Stack>
    </Confirm>
  );
}
