import { Group, MultiSelect, NativeSelect, TextInput } from '@mantine/core';
import { useScreen } from '../api/queries.js';
import { type DriftFilter, ModulesDocument } from '../generated/graphql.js';
import type { ListState } from '../parts/lists/list-state.js';
import { statusText } from '../parts/values/status-badge.js';

const statuses = ['OPEN', 'IGNORED', 'ACCEPTED', 'REPAIRED'] as const;
const severities = ['ERROR', 'WARNING'] as const;

/** The filter that the URL describes: `status`, `severity`, `module`, `tenant`, `code`. */
export function readDriftFilter(list: Pick<ListState, 'list' | 'parameters'>): DriftFilter | null {
  const { parameters } = list;
  const status = statuses.filter((one) => list.list('status').includes(one));
  const code = list.list('code');
  const filter: DriftFilter = {
    status: status.length > 0 ? [...status] : undefined,
    severity: severities.find((one) => one === parameters.get('severity')),
    module: parameters.get('module') || undefined,
    tenant: parameters.get('tenant') || undefined,
    code: code.length > 0 ? code : undefined,
  };
  return Object.values(filter).every((value) => value === undefined) ? null : filter;
}

export function DriftFilters({ list }: { list: ListState }) {
  const modules = useScreen(ModulesDocument, {}).data?.modules ?? [];
  const one = (name: string, label: string, any: string, values: readonly string[]) => (
    <NativeSelect
      aria-label={label}
      data={[{ value: '', label: any }, ...values.map((value) => ({ value, label: statusText(value) }))]}
      value={list.parameters.get(name) ?? ''}
      onChange={(event) => list.set({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <Group gap="xs" align="flex-start">
      <MultiSelect
        aria-label="Status"
        placeholder={list.list('status').length === 0 ? 'Open' : undefined}
        data={statuses.map((value) => ({ value, label: statusText(value) }))}
        value={list.list('status')}
        onChange={(chosen) => list.set({ status: chosen.join(',') })}
        w={200}
        clearable
        clearButtonProps={{ 'aria-label': 'Clear Status' }}
      />
      {one('severity', 'Severity', 'Any severity', severities)}
      <NativeSelect
        aria-label="Module"
        data={[{ value: '', label: 'Any module' }, ...modules.map(({ name }) => name)]}
        value={list.parameters.get('module') ?? ''}
        onChange={(event) => list.set({ module: event.currentTarget.value })}
      />
      <Typed list={list} name="code" label="Code" placeholder="Code, Enter" />
      <Typed list={list} name="tenant" label="Tenant" placeholder="Tenant: slug or id, Enter" />
    </Group>
  );
}

interface TypedProps {
  list: ListState;
  name: string;
  label: string;
  placeholder: string;
}

/** A filter that takes a whole name, so it applies when it is complete. */
function Typed({ list, name, label, placeholder }: TypedProps) {
  const stored = list.parameters.get(name) ?? '';
  const commit = (text: string) => {
    if (text.trim() !== stored) list.set({ [name]: text.trim() });
  };
  return (
    <TextInput
      key={stored}
      aria-label={label}
      placeholder={placeholder}
      defaultValue={stored}
      onBlur={(event) => commit(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Enter' && commit(event.currentTarget.value)}
      w={210}
    />
  );
}
