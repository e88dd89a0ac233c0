import { Button, Group, NativeSelect, Stack } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useScreen } from '../api/queries.js';
import { KeysDocument } from '../generated/graphql.js';
import { ColumnChoice } from '../parts/lists/column-choice.js';
import { type Column, DataTable } from '../parts/lists/data-table.js';
import { ListPager } from '../parts/lists/list-pager.js';
import { useListState } from '../parts/lists/list-state.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { countText } from '../parts/values/count-text.js';
import { StatusBadge } from '../parts/values/status-badge.js';
import { TimeText } from '../parts/values/time-text.js';
import { AllowedButton } from '../session/allowed-button.js';
import { Page } from '../shell/page.js';
import type { Key, NewSecret } from './key.js';
import { RevokeDialog, RotateDialog } from './key-dialogs.js';
import { endOfSoon, filters, readKeyFilter } from './key-filter.js';
import { NewKeyDialog } from './new-key-dialog.js';
import { Scopes } from './scopes.js';
import { SecretDialog } from './secret-dialog.js';

type Dialog = { kind: 'create' } | { kind: 'rotate' | 'revoke'; key: Key };

/** All API keys, and what can be done with them. */
export function Keys() {
  const list = useListState();
  const filter = readKeyFilter(list);
  const variables = { ...list.page, filter };
  const query = useScreen(KeysDocument, variables, { keepsPrevious: true, everyMs: 60_000 });
  const [dialog, setDialog] = useState<Dialog>();
  const [created, setCreated] = useState<NewSecret>();
  const close = () => setDialog(undefined);
  const columns = useMemo(() => keyColumns(setDialog), []);
  const onSecret = (secret: NewSecret) => {
    close();
    setCreated(secret);
  };
  return (
    <Page
      title="Keys"
      query={[KeysDocument, variables]}
      command="tenant-registry keys list"
      actions={
        <AllowedButton action="createApiKey" onClick={() => setDialog({ kind: 'create' })}>
          New key
        </AllowedButton>
      }
    >
      <Stack gap="sm">
        <Group justify="space-between">
          <NativeSelect
            aria-label="Status"
            data={[
              { value: '', label: 'Any status' },
              ...Object.entries(filters).map(([value, { label }]) => ({ value, label })),
            ]}
            value={list.parameters.get('status') ?? ''}
            onChange={(event) => list.set({ status: event.currentTarget.value })}
          />
          <ColumnChoice columns={columns} list={list} />
        </Group>
        <ScreenState query={query}>
          {({ apiKeys }) =>
            apiKeys.edges.length === 0 ? (
              <EmptyState title={filter ? 'No key matches' : 'There are no keys'}>
                {filter
                  ? 'Choose another status.'
                  : 'Services and scripts log in by a key. Create one with the scopes that it needs, and no others.'}
              </EmptyState>
            ) : (
              <>
                <DataTable
                  label="API keys"
                  columns={columns}
                  rows={apiKeys.edges.map(({ node }) => node)}
                  rowId={({ id }) => id}
                  list={list}
                  isStale={query.isPlaceholderData}
                />
                <ListPager
                  list={list}
                  pageInfo={apiKeys.pageInfo}
                  total={countText(apiKeys.totalCount, 'key')}
                />
              </>
            )
          }
        </ScreenState>
      </Stack>
      <NewKeyDialog isOpen={dialog?.kind === 'create'} onClose={close} onSecret={onSecret} />
      <RotateDialog
        apiKey={dialog?.kind === 'rotate' ? dialog.key : undefined}
        onClose={close}
        onSecret={onSecret}
      />
      <RevokeDialog apiKey={dialog?.kind === 'revoke' ? dialog.key : undefined} onClose={close} />
      <SecretDialog created={created} onClose={() => setCreated(undefined)} />
    </Page>
  );
}

function keyColumns(open: (dialog: Dialog) => void): Column<Key>[] {
  return [
    { id: 'name', title: 'Name', cell: ({ name }) => <span title={name}>{name}</span> },
    { id: 'status', title: 'Status', cell: (key) => <Status status={statusOf(key)} /> },
    { id: 'scopes', title: 'Scopes', cell: ({ scopes }) => <Scopes scopes={scopes} /> },
    {
      id: 'used',
      title: 'Last use',
      cell: ({ lastUsedAt }) => (lastUsedAt ? <TimeText value={lastUsedAt} isRelative /> : 'never'),
    },
    {
      id: 'expires',
      title: 'Expires',
      cell: ({ expiresAt }) => (expiresAt ? <TimeText value={expiresAt} /> : 'never'),
    },
    { id: 'created', title: 'Created', cell: ({ createdAt }) => <TimeText value={createdAt} /> },
    { id: 'creator', title: 'Created by', isOptional: true, cell: ({ createdBy }) => createdBy ?? '–' },
    { id: 'id', title: 'Id', isOptional: true, cell: ({ id }) => id },
    {
      id: 'actions',
      title: 'Actions',
      isPinned: true,
      cell: (key) => (
        <KeyActions
          apiKey={key}
          onRotate={() => open({ kind: 'rotate', key })}
          onRevoke={() => open({ kind: 'revoke', key })}
        />
      ),
    },
  ];
}

function statusOf({ revokedAt, expiresAt }: Pick<Key, 'revokedAt' | 'expiresAt'>): string {
  if (revokedAt) return 'REVOKED';
  const end = expiresAt ? Date.parse(expiresAt) : Number.POSITIVE_INFINITY;
  if (end <= Date.now()) return 'EXPIRED';
  return end < endOfSoon().getTime() ? 'EXPIRES_SOON' : 'ACTIVE';
}

function Status({ status }: { status: string }) {
  if (status === 'EXPIRES_SOON') return <span className="status status-warning">expires soon</span>;
  return <StatusBadge status={status} />;
}

function KeyActions({
  apiKey,
  onRotate,
  onRevoke,
}: {
  apiKey: Key;
  onRotate: () => void;
  onRevoke: () => void;
}) {
  const status = statusOf(apiKey);
  if (status === 'REVOKED' || status === 'EXPIRED') return '–';
  return (
    <Button.Group>
      <AllowedButton action="rotateApiKey" size="compact-xs" variant="default" onClick={onRotate}>
        Rotate
      </AllowedButton>
      <AllowedButton action="revokeApiKey" size="compact-xs" variant="default" onClick={onRevoke}>
        Revoke
      </AllowedButton>
    </Button.Group>
  );
}
