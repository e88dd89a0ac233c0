import { memberCommand } from '../members/member-command.js';
import { removeMember } from '../members/members.js';

/** Removes a member, who loses all access to the tenant. The row stays for the history. */
export const removeTenantMember = memberCommand({
  action: 'removeTenantMember',
  fields: {},
  endsAdmin: () => true,
  write: removeMember,
});
