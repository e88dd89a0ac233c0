import { openEnum } from '../fields/open-enum.js';

const status = (name: string) => `set to status ${name.toUpperCase()}`;

/**
 * What can happen to the rows of each noun. The trigger registry_record_change writes the kinds into the log; a test compares
 * this table with registry_change_kind, registry_operation_event, the triggers and the statuses of the database.
 */
const events = {
  tenant: {
    subject: 'A tenant was',
    verbs: ['registered', 'updated', 'activated', 'suspended', 'resumed', 'deleted', 'restored', 'purged'],
    statuses: ['pending', 'provisioning', 'failed'],
  },
  subscription: {
    subject: 'A subscription of a tenant to a module was',
    verbs: ['created', 'updated', 'activated', 'suspended', 'resumed', 'cancelled', 'removed'],
    statuses: ['pending', 'provisioning', 'migrating', 'failed', 'deprovisioning'],
  },
  member: {
    subject: 'A member of a tenant was',
    verbs: ['created', 'updated', 'invited', 'activated', 'removed'],
    statuses: [],
  },
  external_id: {
    subject: 'An external id of a tenant was',
    verbs: ['created', 'updated', 'activated', 'removed'],
    statuses: [],
  },
  settings: {
    subject: 'The settings of a tenant were',
    verbs: ['created', 'updated', 'removed'],
    statuses: [],
  },
  branding: {
    subject: 'The branding of a tenant was',
    verbs: ['created', 'updated', 'removed'],
    statuses: [],
  },
  invitation: { subject: 'An invitation was', verbs: ['created', 'updated', 'removed'], statuses: [] },
  module: { subject: 'A module was', verbs: ['created', 'updated', 'removed'], statuses: [] },
  plan: { subject: 'The limits of a plan were', verbs: ['created', 'updated'], statuses: [] },
  operation: {
    subject: 'An operation was',
    verbs: ['queued', 'retried'],
    statuses: ['succeeded', 'failed', 'compensated', 'cancelled', 'needs_attention'],
  },
  rollout: {
    subject: 'A rollout was',
    verbs: ['created', 'updated'],
    statuses: ['running', 'paused', 'succeeded', 'failed', 'cancelled'],
  },
  finding: {
    subject: 'A difference between registry and databases was',
    verbs: ['created', 'updated', 'removed'],
    statuses: ['open', 'ignored', 'accepted', 'repaired'],
  },
  checkpoint: {
    subject: 'A checkpoint, up to which the audit log is pruned, was',
    verbs: ['created', 'updated', 'removed'],
    statuses: [],
  },
  api_key: { subject: 'An API key was', verbs: ['created', 'updated', 'removed'], statuses: [] },
};

export const auditEventKind = openEnum('AuditEventKind', {
  description:
    'Kind of change. Later versions add kinds, so clients need a case for unknown ones; a gateway that does not know the ' +
    'kind of an entry answers OTHER.',
  values: Object.fromEntries([
    ['operation.cancel_requested', 'The cancellation of a running operation was requested.'],
    ...Object.entries(events).flatMap(([noun, { subject, verbs, statuses }]) => [
      ...verbs.map((verb) => [`${noun}.${verb}`, `${subject} ${verb}.`]),
      ...statuses.map((name) => [`${noun}.${name}`, `${subject} ${status(name)}.`]),
    ]),
  ]) as Record<string, string>,
  other: 'A kind that this version of the gateway does not know; `kindText` has its name.',
});
