import { useScreen } from '../api/queries.js';
import { GatewaysDocument, type GatewaysQuery } from '../generated/graphql.js';
import { type Column, DataTable } from '../parts/lists/data-table.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { CopyText } from '../parts/values/copy-text.js';
import { countText } from '../parts/values/count-text.js';
import { TimeText } from '../parts/values/time-text.js';
import { Page } from '../shell/page.js';

type Gateway = GatewaysQuery['gateways'][number];

/** No change of the registry tells of a report. */
const everyMs = 2_000;

/** The processes that serve this registry, and how far each has followed its changes. */
export function Gateways() {
  const query = useScreen(GatewaysDocument, {}, { everyMs });
  return (
    <Page title="Gateways" query={[GatewaysDocument, {}]}>
      <ScreenState query={query}>
        {({ gateways }) =>
          gateways.length === 0 ? (
            <EmptyState title="No gateway has reported yet">
              A gateway reports while it follows the change log. /ready of the gateway has the reason when it
              does not.
            </EmptyState>
          ) : (
            <DataTable label="Gateways" columns={columns} rows={gateways} rowId={({ id }) => id} />
          )
        }
      </ScreenState>
    </Page>
  );
}

const columns: Column<Gateway>[] = [
  { id: 'hostname', title: 'Host', cell: ({ hostname }) => <span title={hostname}>{hostname}</span> },
  { id: 'version', title: 'Version', cell: ({ version }) => version ?? 'unknown' },
  { id: 'state', title: 'State', cell: (gateway) => <State gateway={gateway} /> },
  {
    id: 'lag',
    title: 'Lag',
    isNumber: true,
    cell: ({ lag }) => (lag === null ? 'unknown' : countText(lag, 'revision')),
  },
  {
    id: 'staleness',
    title: 'Staleness bound',
    isNumber: true,
    cell: ({ stalenessMs }) => `${(stalenessMs / 1_000).toLocaleString()} s`,
  },
  { id: 'revision', title: 'Applied revision', cell: ({ revision }) => revision ?? 'none yet' },
  {
    id: 'reported',
    title: 'Last report',
    cell: ({ reportedAt }) => <TimeText value={reportedAt} isRelative />,
  },
  { id: 'started', title: 'Started', cell: ({ startedAt }) => <TimeText value={startedAt} /> },
  { id: 'id', title: 'Process', cell: ({ id }) => <CopyText value={id} label="id of the process" /> },
];

function State({ gateway: { isReporting, lag } }: { gateway: Gateway }) {
  if (!isReporting)
    return (
      <span className="status status-bad" title="It answers nothing from memory, or has stopped.">
        does not report
      </span>
    );
  if (lag === null || lag > 0) return <span className="status status-busy">follows</span>;
  return <span className="status status-good">up to date</span>;
}
