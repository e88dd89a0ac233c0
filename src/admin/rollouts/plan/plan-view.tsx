import { Accordion, Badge, Code, Group, List, Paper, Stack, Table, Text, Title } from '@mantine/core';
import type { RolloutPlanQuery } from '../../generated/graphql.js';
import { EmptyState } from '../../parts/notices/empty-state.js';
import { Notice } from '../../parts/notices/notice.js';
import { countText } from '../../parts/values/count-text.js';
import { Facts } from '../../parts/values/facts.js';
import { StatusBadge } from '../../parts/values/status-badge.js';

export type Plan = RolloutPlanQuery['rolloutPlan'];

/** What a rollout would do: files with locks and risks, and the tenants by their version. */
export function PlanView({ plan }: { plan: Plan }) {
  return (
    <Stack>
      <Facts
        rows={{
          Target: <Code>{plan.targetVersion}</Code>,
          'Tenants with storage': plan.tenantCount.toLocaleString(),
          'Tenants behind': plan.behindCount.toLocaleString(),
        }}
      />
      {plan.problems.length > 0 && <Problems problems={plan.problems} />}
      <Title order={2} size="h4">
        Pending files
      </Title>
      {plan.pending.length === 0 ? (
        <EmptyState title="No file is pending">Every tenant has all files of the module.</EmptyState>
      ) : (
        <Accordion multiple variant="contained" chevronPosition="left">
          {plan.pending.map((file) => (
            <PendingFile key={file.name} file={file} />
          ))}
        </Accordion>
      )}
      <Versions versions={plan.versions} />
      {plan.excluded.length > 0 && <Excluded excluded={plan.excluded} />}
    </Stack>
  );
}

function Problems({ problems }: { problems: Plan['problems'] }) {
  return (
    <Notice tone="bad" title="The rollout cannot start before these files are corrected">
      <Stack gap="xs">
        {problems.map(({ file, line, code, problem, remedy }) => (
          <div key={`${file} ${line} ${code}`}>
            <Text size="sm" fw={600} dir="auto" className="wrap">
              <Code>
                {file}
                {line !== null && `:${line}`}
              </Code>{' '}
              {problem}
            </Text>
            <Text size="sm" dir="auto" className="wrap">
              {code}: {remedy}
            </Text>
          </div>
        ))}
      </Stack>
    </Notice>
  );
}

function PendingFile({ file }: { file: Plan['pending'][number] }) {
  const warnings = file.statements.reduce((count, one) => count + one.warnings.length, 0);
  const locks = [...new Set(file.statements.flatMap(({ lock }) => lock ?? []))];
  return (
    <Accordion.Item value={file.name}>
      <Accordion.Control>
        <Group gap="xs">
          <Text size="sm" fw={600} className="wrap">
            {file.name}
          </Text>
          <Text size="sm" c="dimmed">
            {countText(file.statements.length, 'statement')}, locks: {locks.join(', ') || 'none'}
          </Text>
          {warnings > 0 && <span className="status status-warning">{countText(warnings, 'warning')}</span>}
          {!file.isTransactional && <span className="status status-quiet">without a transaction</span>}
        </Group>
      </Accordion.Control>
      <Accordion.Panel>
        <Stack>
          {file.statements.map((statement, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a statement is its place in the file
            <div key={index}>
              <Group gap="xs" mb={4}>
                <Text size="sm" c="dimmed">
                  Line {statement.line}
                </Text>
                <Text size="sm" fw={600}>
                  {statement.kind}
                </Text>
                <Badge variant="default" tt="none" fw={500}>
                  {statement.lock ? `locks ${statement.lock}` : 'no lock'}
                </Badge>
              </Group>
              <Code
                block
                className="statement"
                dir="ltr"
                tabIndex={0}
                role="region"
                aria-label={`Statement ${index + 1} of ${file.name}`}
              >
                {statement.text}
              </Code>
              {statement.warnings.map(({ code, message, remedy }) => (
                <Notice key={code} tone="warning" title={code}>
                  <Text size="sm">{message}</Text>
                  <Text size="sm">{remedy}</Text>
                </Notice>
              ))}
            </div>
          ))}
        </Stack>
      </Accordion.Panel>
    </Accordion.Item>
  );
}

function Versions({ versions }: { versions: Plan['versions'] }) {
  return (
    <>
      <Title order={2} size="h4">
        Tenants by version
      </Title>
      <Paper withBorder className="table-scroll">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Newest migration</Table.Th>
              <Table.Th className="number">Tenants</Table.Th>
              <Table.Th>Lack</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {versions.map(({ version, tenantCount, pending }) => (
              <Table.Tr key={version}>
                <Table.Td>{version ?? 'none'}</Table.Td>
                <Table.Td className="number">{tenantCount.toLocaleString()}</Table.Td>
                <Table.Td>{pending.join(', ') || 'nothing'}</Table.Td>
              </Table.Tr>
            ))}
            {versions.length === 0 && (
              <Table.Tr>
                <Table.Td colSpan={3}>No tenant has storage of this module.</Table.Td>
              </Table.Tr>
            )}
          </Table.Tbody>
        </Table>
      </Paper>
    </>
  );
}

function Excluded({ excluded }: { excluded: Plan['excluded'] }) {
  return (
    <>
      <Title order={2} size="h4">
        Left alone
      </Title>
      <List size="sm" spacing="xs">
        {excluded.map(({ status, reason, tenantCount, examples }) => (
          <List.Item key={reason}>
            <StatusBadge status={status} /> {tenantCount.toLocaleString()} tenants: {reason}
            <Text size="sm" c="dimmed" dir="auto" className="wrap">
              {examples.join(', ')}
              {tenantCount > examples.length && ', …'}
            </Text>
          </List.Item>
        ))}
      </List>
    </>
  );
}
