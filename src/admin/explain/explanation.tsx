import { List, Paper, Stack, Text, Title } from '@mantine/core';
import { Link } from 'react-router';
import type { ExplainQuery, ResolutionGate } from '../generated/graphql.js';
import { errorTexts } from '../generated/registry-facts.js';
import { CopyText } from '../parts/values/copy-text.js';
import { Facts } from '../parts/values/facts.js';

type Explained = ExplainQuery['explainResolution'];

/** The checks in their order. The first that fails decides. */
const gates: readonly { gate: ResolutionGate; text: string }[] = [
  { gate: 'REGISTRY', text: 'The registry is available and recent enough' },
  { gate: 'TENANT', text: 'The tenant exists and is active' },
  { gate: 'MODULE', text: 'The module exists' },
  { gate: 'SUBSCRIPTION', text: 'The subscription of the tenant to the module is active' },
];

const tiers = {
  MEMORY: 'the memory of the gateway',
  REDIS: 'Redis, which all gateways share',
  DATABASE: 'the database of the registry',
};

/** The answer, the check that decided, and where it came from. */
export function Explanation({ explanation, module }: { explanation: Explained; module: string }) {
  const { route, code, message, tier, ageMs, leaseRemainingMs, revision, headRevision } = explanation;
  return (
    <Stack>
      <Paper withBorder p="md">
        <Stack gap="sm" role="status">
          <Title order={2} size="h4">
            {route ? 'It resolves' : <span className="status status-bad">{code}</span>}
          </Title>
          {message && (
            <Text size="sm" dir="auto" className="wrap">
              {message}
            </Text>
          )}
          {code && <Text size="sm">{errorTexts[code]?.action.replaceAll('`', '')}</Text>}
          {route && <Route route={route} />}
        </Stack>
      </Paper>
      <Paper withBorder p="md">
        <Stack gap="sm">
          <Title order={2} size="h4">
            Checks
          </Title>
          <Gates failed={explanation.gate ?? undefined} module={module} />
        </Stack>
      </Paper>
      <Paper withBorder p="md">
        <Stack gap="sm">
          <Title order={2} size="h4">
            Where the answer came from
          </Title>
          <Facts
            rows={{
              Source: tier ? tiers[tier] : 'nothing was read',
              Age: ageMs === null ? undefined : durationText(ageMs),
              'Lease of the gateway':
                leaseRemainingMs > 0
                  ? `${durationText(leaseRemainingMs)} left: it may answer from memory`
                  : 'none: it reads the database for each request',
              'Read at revision': revision ?? undefined,
              'Newest revision known': headRevision ?? 'none: it does not follow the change log',
            }}
          />
        </Stack>
      </Paper>
    </Stack>
  );
}

function Route({ route }: { route: NonNullable<Explained['route']> }) {
  return (
    <Facts
      rows={{
        Tenant: (
          <Link className="cell-link" to={`/tenants/${encodeURIComponent(route.tenantSlug)}`}>
            {route.tenantSlug}
          </Link>
        ),
        'Tenant id': <CopyText value={route.tenantId} label="tenant id" />,
        'Asked for by external id': route.externalId ?? undefined,
        Database: route.databaseName,
        Schema: <CopyText value={route.schemaName} label="schema" />,
        'Search path': <CopyText value={route.searchPath} label="search path" />,
        Isolation: route.isolation.toLowerCase(),
        Generation: route.generation,
        'Newest migration': route.migrationVersion ?? 'none by the registry',
      }}
    />
  );
}

function Gates({ failed, module }: { failed: ResolutionGate | undefined; module: string }) {
  const end = gates.findIndex(({ gate }) => gate === failed);
  return (
    <List size="sm" type="ordered" spacing={4}>
      {gates.map(({ gate, text }, index) => {
        const state = end === -1 || index < end ? 'passed' : index === end ? 'failed' : 'not reached';
        const tone = { passed: 'good', failed: 'bad', 'not reached': 'quiet' }[state];
        return (
          <List.Item key={gate}>
            {gate === 'MODULE' ? `${text}: ${module}` : text}{' '}
            <span className={`status status-${tone}`}>{state}</span>
          </List.Item>
        );
      })}
    </List>
  );
}

function durationText(ms: number): string {
  return ms < 1_000
    ? `${ms} ms`
    : `${(ms / 1_000).toLocaleString(undefined, { maximumFractionDigits: 1 })} s`;
}
