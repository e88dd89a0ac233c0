import { Button, MultiSelect, NativeSelect, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useScreen } from '../api/queries.js';
import { AuditModulesDocument } from '../generated/graphql.js';
import type { ListState } from '../parts/lists/list-state.js';
import { sentenceOf } from '../parts/values/kind-text.js';
import { useRights } from '../session/rights.js';
import { nouns } from './audit-filter.js';

const names = ['actor', 'tenant', 'module', 'kind', 'from', 'until'] as const;

export function AuditFilters({ list }: { list: ListState }) {
  const { may } = useRights();
  const { data } = useScreen(AuditModulesDocument, {}, { isEnabled: may('readRegistry') });
  const module = list.parameters.get('module') ?? '';
  const modules = new Set([...(data?.modules.map(({ name }) => name) ?? []), ...(module ? [module] : [])]);
  const kinds = list.list('kind');
  const isFiltered = names.some((name) => list.parameters.has(name));
  return (
    <div className="audit-filters">
      <TextFilter list={list} name="tenant" label="Tenant" placeholder="Slug or id" isSearch />
      <TextFilter list={list} name="actor" label="Actor" placeholder="api-key:…" />
      <MultiSelect
        label="Change of"
        placeholder={kinds.length === 0 ? 'Anything' : undefined}
        data={[...new Set([...nouns.map((noun) => `${noun}.`), ...kinds])].map((value) => ({
          value,
          label: sentenceOf(value).trim(),
        }))}
        value={kinds}
        onChange={(chosen) => list.set({ kind: chosen.join(',') })}
        clearable
        clearButtonProps={{ 'aria-label': 'Clear the kinds' }}
      />
      <NativeSelect
        label="Module"
        data={[{ value: '', label: 'Any module' }, ...[...modules].map((value) => ({ value, label: value }))]}
        value={module}
        onChange={(event) => list.set({ module: event.currentTarget.value })}
      />
      <TimeFilter list={list} name="from" label="From" />
      <TimeFilter list={list} name="until" label="Until" />
      {isFiltered && (
        <Button
          variant="subtle"
          onClick={() => list.set(Object.fromEntries(names.map((name) => [name, null])))}
        >
          Remove the filter
        </Button>
      )}
    </div>
  );
}

interface FilterProps {
  list: ListState;
  name: (typeof names)[number];
  label: string;
}

/** Its text counts when one leaves the field or presses Enter: a half-typed name is no tenant. */
function TextFilter({
  list,
  name,
  label,
  placeholder,
  isSearch,
}: FilterProps & { placeholder: string; isSearch?: boolean }) {
  const stored = list.parameters.get(name) ?? '';
  const [text, setText] = useState(stored);
  useEffect(() => setText(stored), [stored]);
  const apply = () => {
    if (text.trim() !== stored) list.set({ [name]: text.trim() });
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <TextInput
        label={label}
        placeholder={placeholder}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={apply}
        dir="auto"
        spellCheck={false}
        {...(isSearch && { 'data-search': true })}
      />
    </form>
  );
}

/** A time in the zone of the viewer; the URL has it in UTC. */
function TimeFilter({ list, name, label }: FilterProps) {
  const stored = new Date(list.parameters.get(name) ?? '');
  return (
    <TextInput
      type="datetime-local"
      label={label}
      value={Number.isNaN(stored.getTime()) ? '' : localText(stored)}
      onChange={(event) => {
        const at = new Date(event.currentTarget.value);
        list.set({ [name]: Number.isNaN(at.getTime()) ? null : at.toISOString() }, { replaces: true });
      }}
    />
  );
}

function localText(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
