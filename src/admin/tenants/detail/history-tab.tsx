import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useScreen } from '../../api/queries.js';
import { AuditDocument, type AuditQuery } from '../../generated/graphql.js';
import { DiffView } from '../../parts/differences/diff-view.js';
import { ListPager } from '../../parts/lists/list-pager.js';
import { useListState } from '../../parts/lists/list-state.js';
import { ScreenState } from '../../parts/loading/screen-state.js';
import { EmptyState } from '../../parts/notices/empty-state.js';
import { KindText } from '../../parts/values/kind-text.js';
import { TimeText } from '../../parts/values/time-text.js';
import { scopeOf, useRights } from '../../session/rights.js';

type Entry = AuditQuery['auditLog']['edges'][number]['node'];

/** Everything that was changed about a tenant, newest first, with the values before and after. */
export function HistoryTab({ tenantId }: { tenantId: string }) {
  const list = useListState({ name: 'history' });
  const { may } = useRights();
  const isAllowed = may('readAuditLog');
  const query = useScreen(
    AuditDocument,
    { tenantId, ...list.page },
    { isEnabled: isAllowed, keepsPrevious: true },
  );
  if (!isAllowed)
    return <EmptyState title="Not allowed">The audit log needs scope {scopeOf('readAuditLog')}.</EmptyState>;
  return (
    <ScreenState query={query}>
      {({ auditLog }) => (
        <Stack gap="sm">
          <ol className="timeline">
            {auditLog.edges.map(({ node }) => (
              <TimelineEntry key={`${node.revision} ${node.position}`} entry={node} />
            ))}
          </ol>
          <ListPager list={list} pageInfo={auditLog.pageInfo} />
        </Stack>
      )}
    </ScreenState>
  );
}

function TimelineEntry({ entry }: { entry: Entry }) {
  const [isOpen, setOpen] = useState(false);
  const { kindText, module, actor, changedAt, requestId, before, after } = entry;
  return (
    <li>
      <Group gap="xs">
        <Text fw={600} size="sm">
          <KindText kind={kindText} />
        </Text>
        {module && <code>{module}</code>}
        <Button size="compact-xs" variant="subtle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Hide values' : 'Show values'}
        </Button>
      </Group>
      <Text size="xs" c="dimmed" dir="auto" className="wrap">
        <TimeText value={changedAt} />, {actor}
        {requestId && `, request ${requestId}`}
      </Text>
      {isOpen && <DiffView before={before} after={after} />}
    </li>
  );
}
