import { wrongStatus } from '../../registry/tenants/tenant.js';
import { memberCommand } from '../members/member-command.js';
import { memberRole } from '../members/members.js';

/** Changes the role of a member, whose tokens have it at once. An open invitation goes on and leads to the new role. */
export const updateTenantMember = memberCommand({
  action: 'updateTenantMember',
  fields: { role: memberRole },
  endsAdmin: ({ role }) => role !== 'ADMIN',
  async write(tx, { id }, tenant, { role }) {
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'changed');
    await tx.member.update({ where: { id }, data: { role } });
  },
});
