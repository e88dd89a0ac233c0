import type { Transaction } from '../database/registry-database.js';

/** Makes the address an admin of the tenant; one that is a member already stays who it is and gets the role. */
export async function ensureAdmin(tx: Transaction, tenantId: string, address: string): Promise<void> {
  const email = address.toLowerCase();
  await tx.member.upsert({
    where: { tenantId_email: { tenantId, email } },
    create: { tenantId, email, role: 'ADMIN' },
    update: { role: 'ADMIN' },
  });
}
