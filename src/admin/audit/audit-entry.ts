import type { AuditQuery } from '../generated/graphql.js';

/** An entry of the audit log as its screen reads it. */
export type AuditEntry = AuditQuery['auditLog']['edges'][number]['node'];
