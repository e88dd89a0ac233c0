import { Code, Modal, Stack } from '@mantine/core';
import { DiffView } from '../parts/differences/diff-view.js';
import { CopyText } from '../parts/values/copy-text.js';
import { Facts } from '../parts/values/facts.js';
import { sentenceOf } from '../parts/values/kind-text.js';
import { TimeText } from '../parts/values/time-text.js';
import type { AuditEntry } from './audit-entry.js';
import { numberOf } from './audit-filter.js';

/** One entry with all that is known of it, and what was before. */
export function AuditEntryDialog({ entry, onClose }: { entry: AuditEntry | undefined; onClose: () => void }) {
  return (
    <Modal
      opened={entry !== undefined}
      onClose={onClose}
      size="xl"
      title={entry && sentenceOf(entry.kindText)}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {entry && (
        <Stack>
          <Facts
            rows={{
              Time: <TimeText value={entry.changedAt} />,
              Kind: <Code>{entry.kindText}</Code>,
              Revision: `${numberOf(entry.revision)}, position ${entry.position}`,
              Actor: entry.actor,
              Tenant: entry.tenantSlug ?? entry.tenantId ?? undefined,
              Module: entry.module ?? undefined,
              Row: <CopyText value={entry.entityId} label="id of the row" />,
              'Request id': entry.requestId ? (
                <CopyText value={entry.requestId} label="request id" />
              ) : undefined,
            }}
          />
          <DiffView before={entry.before} after={entry.after} />
          <Facts rows={{ Hash: <CopyText value={entry.hash} label="hash" /> }} />
        </Stack>
      )}
    </Modal>
  );
}
