import { Accordion, Code, Group, List, NativeSelect, Paper, Stack, Text, Title } from '@mantine/core';
import { Link, useParams } from 'react-router';
import { useScreen } from '../api/queries.js';
import { OperationDocument, type OperationQuery, type OperationStatus } from '../generated/graphql.js';
import { type Column, DataTable } from '../parts/lists/data-table.js';
import { ListPager } from '../parts/lists/list-pager.js';
import { useListState } from '../parts/lists/list-state.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { CopyText } from '../parts/values/copy-text.js';
import { Facts } from '../parts/values/facts.js';
import { StatusBadge, statusText } from '../parts/values/status-badge.js';
import { TimeText } from '../parts/values/time-text.js';
import { Page, shellWord } from '../shell/page.js';
import { LiveOperation } from './live-operation.js';

type OperationDetail = NonNullable<OperationQuery['operation']>;
type Attempt = OperationDetail['attempts'][number];
type TenantResult = NonNullable<OperationDetail['tenantResults']>['edges'][number]['node'];

const resultStatuses = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const;

const movingStatuses: readonly OperationStatus[] = ['QUEUED', 'RUNNING', 'COMPENSATING'];

/** Somebody else may retry an operation that has ended, and storage of a bulk change may still be created. */
const everyMs = (shown: OperationQuery | undefined) =>
  shown?.operation && !movingStatuses.includes(shown.operation.status) ? 10_000 : 1_000;

/** An operation as it goes on, with all attempts; of one on many tenants, the result of each. */
export function Operation() {
  const { id = '' } = useParams();
  const list = useListState();
  const status = resultStatuses.find((one) => one === list.parameters.get('status'));
  const variables = {
    id,
    first: list.size,
    after: list.parameters.get('after'),
    results: status ? { statuses: [status] as OperationStatus[] } : null,
  };
  const query = useScreen(OperationDocument, variables, { keepsPrevious: true, everyMs });
  const operation = query.data?.operation;
  return (
    <Page
      title={operation ? sentence(statusText(operation.kind)) : 'Operation'}
      badge={operation && <StatusBadge status={operation.status} />}
      query={[OperationDocument, variables]}
      command={`tenant-registry operation show ${shellWord(id)}`}
    >
      <ScreenState query={query}>
        {(data) =>
          data.operation ? (
            <Stack gap="lg">
              <Paper withBorder p="md">
                {/* After a retry the stream of the attempt before has ended. */}
                <LiveOperation key={`${id} ${data.operation.attempt}`} id={id} />
              </Paper>
              <OperationFacts operation={data.operation} />
              {data.operation.tenantResults && data.operation.progress && (
                <Stack gap="xs">
                  <Group justify="space-between">
                    <Title order={2} size="h4">
                      Tenants
                    </Title>
                    <NativeSelect
                      aria-label="Status of the tenants"
                      data={[
                        { value: '', label: 'Any status' },
                        ...resultStatuses.map((value) => ({ value, label: statusText(value) })),
                      ]}
                      value={status ?? ''}
                      onChange={(event) => list.set({ status: event.currentTarget.value })}
                    />
                  </Group>
                  <DataTable
                    label="Tenants of the operation"
                    columns={resultColumns}
                    rows={data.operation.tenantResults.edges.map(({ node }) => node)}
                    rowId={({ reference }) => reference}
                    isStale={query.isPlaceholderData}
                  />
                  <ListPager list={list} pageInfo={data.operation.tenantResults.pageInfo} />
                </Stack>
              )}
              <Attempts attempts={data.operation.attempts} />
            </Stack>
          ) : (
            <EmptyState title="No such operation">No operation has the id {id}.</EmptyState>
          )
        }
      </ScreenState>
    </Page>
  );
}

function OperationFacts({ operation }: { operation: OperationDetail }) {
  const { tenant, input } = operation;
  const hasInput = typeof input === 'object' && input !== null;
  return (
    <>
      <Facts
        rows={{
          Tenant: tenant ? (
            <Link to={`/tenants/${tenant.slug}`} dir="auto">
              {tenant.name}
            </Link>
          ) : undefined,
          'Requested by': operation.actor,
          Requested: <TimeText value={operation.createdAt} />,
          'Starts not before':
            operation.status === 'QUEUED' ? <TimeText value={operation.runAfter} /> : undefined,
          Started: <TimeText value={operation.startedAt} />,
          Ended: <TimeText value={operation.finishedAt} />,
          Attempt: operation.attempt,
          Cancelled: operation.cancelRequestedAt ? (
            <>
              <TimeText value={operation.cancelRequestedAt} /> by {operation.cancelRequestedBy}
            </>
          ) : undefined,
          'Request id': operation.requestId ? (
            <CopyText value={operation.requestId} label="request id" />
          ) : undefined,
          Id: <CopyText value={operation.id} label="id" />,
        }}
      />
      {hasInput && (
        <div>
          <Text size="sm" c="dimmed">
            Change to each tenant
          </Text>
          <Code block dir="auto" className="wrap">
            {JSON.stringify(input, undefined, 2)}
          </Code>
        </div>
      )}
    </>
  );
}

const resultColumns: readonly Column<TenantResult>[] = [
  {
    id: 'tenant',
    title: 'Tenant',
    cell: ({ tenant, reference }) =>
      tenant ? (
        <Link className="cell-link" to={`/tenants/${tenant.slug}`} dir="auto">
          {tenant.name}
        </Link>
      ) : (
        <code>{reference}</code>
      ),
  },
  { id: 'status', title: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  { id: 'code', title: 'Code', cell: ({ code }) => code ?? '–' },
  {
    id: 'message',
    title: 'Reason',
    cell: ({ message }) => (message ? <span className="wrap">{message}</span> : '–'),
  },
  {
    id: 'operation',
    title: 'Storage',
    cell: ({ operation }) =>
      operation ? <Link to={`/operations/${operation.id}`}>{statusText(operation.status)}</Link> : '–',
  },
];

function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  if (attempts.length === 0) return null;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Attempts
      </Title>
      <Accordion multiple variant="contained" chevronPosition="left">
        {attempts.toReversed().map((attempt) => (
          <Accordion.Item key={attempt.id} value={attempt.id}>
            <Accordion.Control>
              <Group gap="xs">
                <Text size="sm" fw={600}>
                  Attempt {attempt.number}
                </Text>
                <StatusBadge status={attempt.status} />
                <Text size="sm" c="dimmed">
                  <TimeText value={attempt.createdAt} />, {attempt.actor}
                  {attempt.runs > 1 && `, taken up ${attempt.runs} times`}
                </Text>
              </Group>
            </Accordion.Control>
            <Accordion.Panel>
              <AttemptDetail attempt={attempt} />
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </section>
  );
}

function AttemptDetail({ attempt }: { attempt: Attempt }) {
  return (
    <Stack gap="xs">
      {attempt.error && (
        <Text size="sm" dir="auto" className="wrap">
          {attempt.error}
        </Text>
      )}
      {attempt.cancelRequestedBy && (
        <Text size="sm">
          Cancelled by {attempt.cancelRequestedBy}, <TimeText value={attempt.cancelRequestedAt} />
        </Text>
      )}
      <List size="sm" type="ordered" spacing={4}>
        {attempt.steps.map(({ name, module, status, error }) => (
          <List.Item key={`${name} ${module}`}>
            {statusText(name)} {module && <code>{module}</code>} <StatusBadge status={status} />
            {error && (
              <Text size="sm" dir="auto" className="wrap">
                {error}
              </Text>
            )}
          </List.Item>
        ))}
      </List>
      {attempt.requestId && (
        <Text size="sm" c="dimmed">
          Request id <Code>{attempt.requestId}</Code>
        </Text>
      )}
    </Stack>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
