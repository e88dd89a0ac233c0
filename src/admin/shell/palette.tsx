import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight, spotlight } from '@mantine/spotlight';
import { type KeyboardEvent, useState } from 'react';
import { useNavigate } from 'react-router';
import { useScreen } from '../api/queries.js';
import { FindTenantsDocument } from '../generated/graphql.js';
import { useRights } from '../session/rights.js';
import { places } from './places.js';

export const openPalette = () => spotlight.open();

interface Entry {
  id: string;
  label: string;
  description?: string;
  run: () => void;
}

/** Finds tenants, screens and actions by what is typed. */
export function Palette({ actions }: { actions: readonly Entry[] }) {
  const navigate = useNavigate();
  const { may } = useRights();
  const [query, setQuery] = useState('');
  const [text] = useDebouncedValue(query.trim(), 150);
  const { data } = useScreen(
    FindTenantsDocument,
    { text },
    { isEnabled: text.length > 0 && may('readRegistry'), keepsPrevious: true },
  );
  const matches = (label: string) => label.toLowerCase().includes(query.trim().toLowerCase());
  const tenants = (text === '' ? [] : (data?.tenants.edges ?? [])).map(({ node }) => ({
    id: node.id,
    label: node.name,
    description: `${node.slug}, ${node.status.toLowerCase()}`,
    run: () => navigate(`/tenants/${node.slug}`),
  }));
  const screens = places.map(({ path, label }) => ({
    id: path,
    label: `Go to ${label}`,
    run: () => navigate(path),
  }));
  const others: Entry[] = [...screens, ...actions].filter(({ label }) => matches(label));

  return (
    <Spotlight.Root
      query={query}
      onQueryChange={setQuery}
      clearQueryOnClose
      shortcut={null}
      scrollable
      maxHeight={420}
    >
      <Spotlight.Search
        placeholder="Find a tenant, a screen or an action"
        aria-label="Find"
        onKeyDown={takeFirst}
      />
      <Spotlight.ActionsList>
        {tenants.length > 0 && (
          <Spotlight.ActionsGroup label="Tenants">{tenants.map(toAction)}</Spotlight.ActionsGroup>
        )}
        {others.length > 0 && (
          <Spotlight.ActionsGroup label="Screens and actions">{others.map(toAction)}</Spotlight.ActionsGroup>
        )}
        {tenants.length + others.length === 0 && <Spotlight.Empty>Nothing found</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

function toAction({ id, label, description, run }: Entry) {
  return <Spotlight.Action key={id} label={label} description={description} onClick={run} />;
}

/** Results that came after the last key are not selected yet: Enter takes the first of them. */
function takeFirst({ key }: KeyboardEvent): void {
  if (key !== 'Enter' || document.querySelector('[data-action][data-selected]')) return;
  document.querySelector<HTMLElement>('[data-action]')?.click();
}
