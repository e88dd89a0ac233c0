import { RegistryError } from '../../errors.js';
import { withdrawInvitations } from '../members/invitation.js';
import { memberCommand } from '../members/member-command.js';

/** Withdraws the open invitation of a member, who stays INVITED until invited again or removed. */
export const revokeInvitation = memberCommand({
  action: 'revokeInvitation',
  fields: {},
  endsAdmin: () => false,
  async write(tx, { id, email, status }, { slug }) {
    if ((await withdrawInvitations(tx, id)) > 0) return;
    throw new RegistryError(
      'CONFLICT',
      status === 'ACTIVE'
        ? `${email} has accepted the invitation to tenant ${slug}: remove the member with removeTenantMember`
        : `${email} has no open invitation to tenant ${slug}: it was revoked already`,
    );
  },
});
