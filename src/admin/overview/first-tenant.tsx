import { Button, Code, List, Paper, Stack, Text, Title } from '@mantine/core';
import { Link } from 'react-router';
import { useScreen } from '../api/queries.js';
import { ModuleNamesDocument } from '../generated/graphql.js';

/** What an empty registry shows: the way to the first tenant. */
export function FirstTenant() {
  const { data } = useScreen(ModuleNamesDocument, {});
  const ready = data?.modules.filter(({ isConfigured, isRetired }) => isConfigured && !isRetired) ?? [];
  return (
    <Paper withBorder p="xl" maw={640}>
      <Stack>
        <Title order={2} size="h3">
          Your first tenant
        </Title>
        <Text size="sm">The registry is empty. Three steps lead to a tenant that services can use:</Text>
        <List type="ordered" spacing="sm">
          <List.Item>
            <Text size="sm">
              Modules with a database:{' '}
              {ready.length > 0
                ? ready.map(({ name }) => name).join(', ')
                : 'none yet; set their variables, such as FINANCE_DB_URL'}
              . <Link to="/modules">See the modules</Link>
            </Text>
          </List.Item>
          <List.Item>
            <Text size="sm">Name it, choose its modules and invite its first admin.</Text>
            <Button component={Link} to="/tenants/new" mt="xs">
              Onboard the first tenant
            </Button>
          </List.Item>
          <List.Item>
            <Text size="sm">
              Ask for its place as a service does:{' '}
              <Code>tenantSchema(id: "its-slug", module: "{ready[0]?.name ?? 'finance'}")</Code>
            </Text>
          </List.Item>
        </List>
      </Stack>
    </Paper>
  );
}
