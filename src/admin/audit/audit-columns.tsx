import { Anchor, Button } from '@mantine/core';
import { Link } from 'react-router';
import { isObject } from '../parts/differences/differences.js';
import type { Column } from '../parts/lists/data-table.js';
import { KindText } from '../parts/values/kind-text.js';
import { TimeText } from '../parts/values/time-text.js';
import type { AuditEntry } from './audit-entry.js';
import { numberOf } from './audit-filter.js';

export function auditColumns({
  onShow,
  onActor,
}: {
  onShow: (entry: AuditEntry) => void;
  onActor: (actor: string) => void;
}): Column<AuditEntry>[] {
  return [
    {
      id: 'time',
      title: 'Time',
      cell: ({ changedAt }) => (
        <span className="audit-time">
          <TimeText value={changedAt} />
        </span>
      ),
    },
    { id: 'kind', title: 'Change', cell: ({ kindText }) => <KindText kind={kindText} /> },
    {
      id: 'tenant',
      title: 'Tenant',
      cell: ({ tenantId, tenantSlug }) =>
        tenantId ? (
          <Link className="cell-link" to={`/tenants/${encodeURIComponent(tenantSlug ?? tenantId)}`}>
            {tenantSlug ?? tenantId}
          </Link>
        ) : (
          '–'
        ),
    },
    { id: 'module', title: 'Module', cell: ({ module }) => module ?? '–' },
    {
      id: 'actor',
      title: 'Actor',
      cell: ({ actor }) => (
        <Anchor
          component="button"
          type="button"
          size="sm"
          className="audit-actor"
          title={`Only entries of ${actor}`}
          onClick={() => onActor(actor)}
        >
          {actor}
        </Anchor>
      ),
    },
    {
      id: 'changes',
      title: 'Changed fields',
      cell: ({ before, after }) => changeText(before, after),
    },
    {
      id: 'show',
      title: 'Difference',
      isPinned: true,
      cell: (entry) => (
        <Button
          size="compact-xs"
          variant="default"
          aria-label={`Show entry ${numberOf(entry.revision)}/${entry.position}`}
          onClick={() => onShow(entry)}
        >
          Show
        </Button>
      ),
    },
  ];
}

const mostFields = 6;

/** The fields that a change touched; a new or removed row has them all. */
function changeText(before: unknown, after: unknown): string {
  if (!isObject(before)) return 'new';
  if (!isObject(after)) return 'removed';
  const names = Object.keys({ ...before, ...after }).sort();
  const rest = names.length - mostFields;
  return names.slice(0, mostFields).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
