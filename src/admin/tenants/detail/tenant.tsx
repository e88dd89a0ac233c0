import { Tabs, Text } from '@mantine/core';
import { type ReactNode, Suspense, useState } from 'react';
import { useParams, useSearchParams } from 'react-router';
import { useScreen } from '../../api/queries.js';
import { TenantDocument } from '../../generated/graphql.js';
import { latePart } from '../../parts/loading/late-part.js';
import { ScreenState } from '../../parts/loading/screen-state.js';
import { EmptyState } from '../../parts/notices/empty-state.js';
import { StatusBadge } from '../../parts/values/status-badge.js';
import { useRights } from '../../session/rights.js';
import { Page, shellWord } from '../../shell/page.js';
import { TenantActions } from '../lifecycle/tenant-actions.js';
import { MembersTab } from '../members/members-tab.js';
import { TenantModules } from '../modules/tenant-modules.js';
import { BrandingForm } from '../profile/branding-form.js';
import { ExternalIdsTab } from '../profile/external-ids-tab.js';
import { LimitsTab } from '../profile/limits-tab.js';
import { ProfileForm } from '../profile/profile-form.js';
import { SettingsForm } from '../profile/settings-form.js';
import { HistoryTab } from './history-tab.js';
import { OperationsTab } from './operations-tab.js';
import type { TenantDetail } from './tenant-detail.js';
import { TenantFacts } from './tenant-facts.js';

const ConfigTab = latePart(async () => ({ default: (await import('../config/config-tab.js')).ConfigTab }));

/** One tenant: its facts, its modules, and what can be done with it. */
export function Tenant() {
  const { id = '' } = useParams();
  const { may } = useRights();
  const variables = { id, registry: may('readRegistry') };
  // The address can hold anything; no id has a control character.
  const isId = !/\p{Cc}/u.test(id);
  const query = useScreen(TenantDocument, variables, { isEnabled: isId });
  const tenant = query.data?.tenant;
  return (
    <Page
      title={tenant?.name ?? id}
      badge={tenant && <StatusBadge status={tenant.status} />}
      actions={tenant && <TenantActions tenant={tenant} />}
      query={[TenantDocument, variables]}
      command={`tenant-registry tenant show ${shellWord(id)}`}
    >
      {isId ? (
        <ScreenState query={query}>
          {(data) =>
            data.tenant ? <TenantTabs key={data.tenant.id} tenant={data.tenant} /> : <NoTenant id={id} />
          }
        </ScreenState>
      ) : (
        <NoTenant id={id} />
      )}
    </Page>
  );
}

function NoTenant({ id }: { id: string }) {
  return <EmptyState title="No such tenant">No tenant has this id, slug or external id: {id}</EmptyState>;
}

const tabs: readonly { id: string; label: string; show: (tenant: TenantDetail) => ReactNode }[] = [
  { id: 'facts', label: 'Facts', show: (tenant) => <TenantFacts tenant={tenant} /> },
  { id: 'profile', label: 'Profile', show: (tenant) => <ProfileForm tenant={tenant} /> },
  { id: 'modules', label: 'Modules', show: (tenant) => <TenantModules tenant={tenant} /> },
  { id: 'config', label: 'Configuration', show: (tenant) => <ConfigTab tenant={tenant} /> },
  { id: 'settings', label: 'Settings', show: (tenant) => <SettingsForm tenant={tenant} /> },
  { id: 'branding', label: 'Branding', show: (tenant) => <BrandingForm tenant={tenant} /> },
  { id: 'members', label: 'Members', show: ({ id }) => <MembersTab tenantId={id} /> },
  { id: 'limits', label: 'Usage and limits', show: ({ id }) => <LimitsTab tenantId={id} /> },
  { id: 'ids', label: 'External ids', show: ({ id }) => <ExternalIdsTab tenantId={id} /> },
  { id: 'operations', label: 'Operations', show: (tenant) => <OperationsTab tenant={tenant} /> },
  { id: 'history', label: 'History', show: ({ id }) => <HistoryTab tenantId={id} /> },
];

/** The parts of a tenant. One that was opened stays mounted, so that what was typed in it stays. */
function TenantTabs({ tenant }: { tenant: TenantDetail }) {
  const [parameters, setParameters] = useSearchParams();
  const current = tabs.find(({ id }) => id === parameters.get('tab'))?.id ?? 'facts';
  const [opened, setOpened] = useState(new Set([current]));
  if (!opened.has(current)) setOpened(new Set([...opened, current]));
  return (
    <Tabs
      value={current}
      onChange={(tab) => setParameters(tab && tab !== 'facts' ? { tab } : {}, { replace: true })}
    >
      <Tabs.List mb="md">
        {tabs.map(({ id, label }) => (
          <Tabs.Tab key={id} value={id}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map(({ id, show }) => (
        <Tabs.Panel key={id} value={id}>
          {opened.has(id) && <Suspense fallback={<Text c="dimmed">Loading…</Text>}>{show(tenant)}</Suspense>}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
