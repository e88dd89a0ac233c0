import { List } from '@mantine/core';
import { Link } from 'react-router';
import { EmptyState } from '../parts/notices/empty-state.js';
import { scopeOf, useRights } from '../session/rights.js';

/** The tenants of a member, who has no scope for the whole registry. */
export function OwnTenants() {
  const { viewer } = useRights();
  if (!viewer || viewer.memberships.length === 0)
    return (
      <EmptyState title="Nothing to show">The overview needs scope {scopeOf('readRegistry')}.</EmptyState>
    );
  return (
    <List>
      {viewer.memberships.map(({ tenant, role }) => (
        <List.Item key={tenant.id}>
          <Link to={`/tenants/${tenant.slug}`} dir="auto">
            {tenant.name}
          </Link>{' '}
          as {role.toLowerCase()}
        </List.Item>
      ))}
    </List>
  );
}
