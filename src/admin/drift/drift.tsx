import { Accordion, Group, List, Stack, Text, Title } from '@mantine/core';
import { Link } from 'react-router';
import { useScreen } from '../api/queries.js';
import { DriftDocument, type DriftQuery } from '../generated/graphql.js';
import { ListPager } from '../parts/lists/list-pager.js';
import { useListState } from '../parts/lists/list-state.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { StatusBadge, statusText } from '../parts/values/status-badge.js';
import { TimeText } from '../parts/values/time-text.js';
import { Page } from '../shell/page.js';
import { DriftFilters, readDriftFilter } from './drift-filter.js';
import { type Finding, FindingDetail } from './finding-detail.js';
import './drift.css';
import { countText } from '../parts/values/count-text.js';

type Stuck = DriftQuery['operations']['edges'][number]['node'];

/** Differences between the registry, the files of modules and the databases, with what can be done about each. */
export function Drift() {
  const list = useListState();
  const filter = readDriftFilter(list);
  const variables = { ...list.page, filter };
  const query = useScreen(DriftDocument, variables, { keepsPrevious: true, everyMs: 10_000 });
  return (
    <Page title="Drift" query={[DriftDocument, variables]} command="tenant-registry doctor --structure">
      <Stack gap="sm">
        <DriftFilters list={list} />
        <ScreenState query={query}>
          {({ drift, operations }) => (
            <>
              {drift.edges.length === 0 ? (
                <EmptyState title={filter ? 'No finding matches' : 'No drift'}>
                  {filter
                    ? 'Change the filter, or remove it.'
                    : 'The last examination found no difference that is open. The command tenant-registry doctor --structure examines at once.'}
                </EmptyState>
              ) : (
                <>
                  <Accordion multiple variant="contained" chevronPosition="left">
                    {drift.edges.map(({ node }) => (
                      <FindingItem key={node.id} finding={node} />
                    ))}
                  </Accordion>
                  <ListPager
                    list={list}
                    pageInfo={drift.pageInfo}
                    total={countText(drift.totalCount, 'finding')}
                  />
                </>
              )}
              {operations.edges.length > 0 && <StuckOperations operations={operations.edges} />}
            </>
          )}
        </ScreenState>
      </Stack>
    </Page>
  );
}

function FindingItem({ finding }: { finding: Finding }) {
  const { id, code, severity, status, objectKind, objectName, tenantSlug, module, problem } = finding;
  const place = [tenantSlug, module].filter(Boolean).join(', ');
  return (
    <Accordion.Item value={id}>
      <Accordion.Control>
        <Group gap="xs">
          <StatusBadge status={severity} />
          {status !== 'OPEN' && <StatusBadge status={status} />}
          <Text size="sm" fw={600} className="wrap" dir="auto">
            {objectName ? `${objectKind ?? ''} ${objectName}` : statusText(code)}
          </Text>
          <Text size="sm" c="dimmed" className="wrap" dir="auto">
            {place}
          </Text>
        </Group>
        <Text size="sm" mt={4} className="wrap" dir="auto">
          {problem}
        </Text>
      </Accordion.Control>
      <Accordion.Panel>
        <FindingDetail finding={finding} />
      </Accordion.Panel>
    </Accordion.Item>
  );
}

function StuckOperations({ operations }: { operations: readonly { node: Stuck }[] }) {
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Operations that need attention
      </Title>
      <List size="sm" spacing="xs">
        {operations.map(({ node: { id, kind, tenant, error, createdAt } }) => (
          <List.Item key={id}>
            <Link to={`/operations/${id}`}>{statusText(kind)}</Link>
            {tenant && (
              <>
                {' of '}
                <span dir="auto">{tenant.name}</span>
              </>
            )}
            , <TimeText value={createdAt} />
            <Text size="sm" className="wrap" dir="auto">
              {error}
            </Text>
          </List.Item>
        ))}
      </List>
    </section>
  );
}
