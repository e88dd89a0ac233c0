import { Autocomplete, Button, Group, Paper, SimpleGrid, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'react-router';
import { useScreen } from '../api/queries.js';
import { ExplainDocument, ExplainModulesDocument } from '../generated/graphql.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { useRights } from '../session/rights.js';
import { Page } from '../shell/page.js';
import { Explanation } from './explanation.js';

const everyMs = 5_000;

/** Why a tenant and a module resolve, or do not. The URL holds the question. */
export function Explain() {
  const { may } = useRights();
  const [parameters, setParameters] = useSearchParams();
  const asked = {
    id: parameters.get('tenant') ?? '',
    module: parameters.get('module') ?? '',
    minMigration: parameters.get('migration'),
  };
  const isAsked = asked.id !== '' && asked.module !== '';
  const modules = useScreen(ExplainModulesDocument, {}, { isEnabled: may('readRegistry') });
  const query = useScreen(ExplainDocument, asked, { isEnabled: isAsked, everyMs });
  const ask = (question: Record<string, string>) =>
    setParameters(Object.fromEntries(Object.entries(question).filter(([, value]) => value !== '')));
  return (
    <Page title="Explain" {...(isAsked && { query: [ExplainDocument, asked] as const })}>
      <Question
        key={parameters.toString()}
        asked={asked}
        modules={modules.data?.modules.map(({ name }) => name) ?? []}
        onAsk={(question) => {
          const isAgain =
            question.tenant === asked.id &&
            question.module === asked.module &&
            question.migration === (asked.minMigration ?? '');
          if (isAgain && isAsked) void query.refetch();
          else ask(question);
        }}
      />
      {isAsked ? (
        <ScreenState query={query}>
          {({ explainResolution }) => <Explanation explanation={explainResolution} module={asked.module} />}
        </ScreenState>
      ) : (
        <EmptyState title="Which tenant, which module?">
          The answer is what services get from tenantSchema at this moment, with the check that decided and
          the source that it came from.
        </EmptyState>
      )}
    </Page>
  );
}

function Question({
  asked,
  modules,
  onAsk,
}: {
  asked: { id: string; module: string; minMigration: string | null };
  modules: string[];
  onAsk: (question: Record<string, string>) => void;
}) {
  const [tenant, setTenant] = useState(asked.id);
  const [module, setModule] = useState(asked.module);
  const [migration, setMigration] = useState(asked.minMigration ?? '');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAsk({ tenant: tenant.trim(), module: module.trim(), migration: migration.trim() });
  };
  return (
    <Paper withBorder p="md">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <SimpleGrid cols={{ base: 1, sm: 3 }} maw={800}>
            <TextInput
              label="Tenant"
              description="Slug, UUID or external id"
              value={tenant}
              onChange={(event) => setTenant(event.currentTarget.value)}
              required
              dir="auto"
              spellCheck={false}
              data-search
            />
            <Autocomplete
              label="Module"
              description="Name of the module"
              data={modules}
              value={module}
              onChange={setModule}
              required
            />
            <TextInput
              label="Oldest migration"
              description="Such as 0007; can be left empty"
              value={migration}
              onChange={(event) => setMigration(event.currentTarget.value)}
              spellCheck={false}
            />
          </SimpleGrid>
          <Group>
            <Button type="submit" disabled={tenant.trim() === '' || module.trim() === ''}>
              Explain
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}
