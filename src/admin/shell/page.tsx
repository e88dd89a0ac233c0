import { Button, Code, CopyButton, Group, Popover, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import type { TypedDocumentString } from '../generated/graphql.js';
import { graphqlUrl } from '../session/page-config.js';

interface PageProps {
  title: string;
  /** Beside the title, such as a status. */
  badge?: ReactNode;
  /** Buttons for what can be done here. */
  actions?: ReactNode;
  /** The query that shows the same, and the command. */
  query?: readonly [document: TypedDocumentString<never, never> | { toString(): string }, variables: unknown];
  command?: string;
  children: ReactNode;
}

/** A screen: its title, what can be done, and how to get the same by GraphQL and the command line. */
export function Page({ title, badge, actions, query, command, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} – Tenant registry`;
  }, [title]);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <Group gap="sm">
          <Title order={1} size="h2" dir="auto" className="wrap">
            {title}
          </Title>
          {badge}
        </Group>
        <Group gap="xs">
          {actions}
          {(query || command) && <SameElsewhere query={query} command={command} />}
        </Group>
      </Group>
      {children}
    </Stack>
  );
}

function SameElsewhere({ query, command }: Pick<PageProps, 'query' | 'command'>) {
  return (
    <Popover position="bottom-end" width={340} withArrow trapFocus>
      <Popover.Target>
        <Button variant="default" aria-label="The same by GraphQL and command line">
          {'</>'}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
          {query && (
            <CopyRow
              name="Copy as query"
              note="GraphQL, as a curl command"
              text={curlOf(query[0].toString().trim(), query[1])}
            />
          )}
          {command && <CopyRow name="Copy as CLI" note={command} text={command} />}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function CopyRow({ name, note, text }: { name: string; note: string; text: string }) {
  return (
    <div>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button size="xs" variant="light" fullWidth onClick={copy}>
            {copied ? 'Copied' : name}
          </Button>
        )}
      </CopyButton>
      <Text size="xs" c="dimmed" mt={4} className="wrap">
        <Code>{note}</Code>
      </Text>
    </div>
  );
}

/** A command for a POSIX shell, in which every value is quoted. */
function curlOf(query: string, variables: unknown): string {
  const body = JSON.stringify({ query: query.replace(/\s+/g, ' '), variables });
  return `curl ${shellWord(graphqlUrl)} -H 'content-type: application/json' -H "authorization: Bearer $REGISTRY_KEY" -d ${shellWord(body)}`;
}

/** A word for a POSIX shell, whatever is in it. */
export function shellWord(text: string): string {
  return /^[\w./:@=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
