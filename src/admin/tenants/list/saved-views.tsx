import { ActionIcon, Button, Group, Popover, Stack, Text, TextInput } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { type FormEvent, useState } from 'react';
import { Link, useLocation } from 'react-router';

interface View {
  name: string;
  /** The parameters of the URL. */
  search: string;
}

/** Lists that one comes back to: a name for the filter, the order and the columns of the URL. Kept by this browser. */
export function SavedViews() {
  const [views, setViews] = useLocalStorage<View[]>({
    key: 'tenant-registry-views',
    defaultValue: [],
    deserialize: readViews,
  });
  const [name, setName] = useState('');
  const [isOpen, setOpen] = useState(false);
  const { search } = useLocation();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setViews([
      ...views.filter((view) => view.name !== name.trim()),
      { name: name.trim(), search: withoutPage(search) },
    ]);
    setName('');
    setOpen(false);
  };
  return (
    <Popover
      position="bottom-end"
      width={280}
      withArrow
      trapFocus
      returnFocus
      opened={isOpen}
      onChange={setOpen}
    >
      <Popover.Target>
        <Button variant="default" onClick={() => setOpen(!isOpen)}>
          Views{views.length > 0 && ` (${views.length})`}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          {views.length === 0 && (
            <Text size="sm" c="dimmed">
              A view keeps filter, order and columns under a name, in this browser.
            </Text>
          )}
          {views.map((view) => (
            <Group key={view.name} justify="space-between" wrap="nowrap">
              <Link to={{ search: view.search }} dir="auto" onClick={() => setOpen(false)}>
                {view.name}
              </Link>
              <ActionIcon
                variant="subtle"
                aria-label={`Remove view ${view.name}`}
                onClick={() => setViews(views.filter((one) => one.name !== view.name))}
              >
                ✕
              </ActionIcon>
            </Group>
          ))}
          <form onSubmit={submit}>
            <Group gap="xs" wrap="nowrap" align="flex-end">
              <TextInput
                size="xs"
                label="Save this view as"
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                maxLength={60}
                dir="auto"
              />
              <Button size="xs" type="submit" disabled={name.trim() === ''}>
                Save
              </Button>
            </Group>
          </form>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

/** Other programs of the same origin, and other versions of the page, may have written the text. */
function readViews(text: string | undefined): View[] {
  try {
    const views: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(views) ? views.filter(isView) : [];
  } catch {
    return [];
  }
}

function isView(view: unknown): view is View {
  const { name, search } = (view ?? {}) as Partial<View>;
  return typeof name === 'string' && typeof search === 'string';
}

function withoutPage(search: string): string {
  const parameters = new URLSearchParams(search);
  for (const name of ['after', 'before']) parameters.delete(name);
  return parameters.size > 0 ? `?${parameters}` : '';
}
