import { authorize } from '../../auth/permissions.js';
import { updatePlanLimits } from '../../registry/commands/update-plan-limits.js';
import { listPlanLimits, type PlanRecord, requirePlanLimits } from '../../registry/tenants/plan-limits.js';
import { builder } from '../builder.js';
import { expectedVersionField, waitField } from '../fields/mutation-input.js';
import { mutation } from '../mutation.js';
import { PlanType } from './tenant.js';

const PlanLimitsType = builder.objectRef<PlanRecord>('PlanLimits').implement({
  description:
    'Limits of a plan. Its tenants have them, except where a tenant has a limit of its own: one that was set to another ' +
    'value with registerTenant or updateTenant. Setting it to the value of the plan makes it follow the plan again.',
  fields: (t) => ({
    plan: t.expose('name', { type: PlanType, description: 'Plan with these limits.' }),
    maxUsers: t.exposeInt('maxUsers', { description: 'Value of `maxUsers` for tenants with the plan.' }),
    maxMonthlyQuotes: t.exposeInt('maxMonthlyQuotes', {
      description: 'Value of `maxMonthlyQuotes` for tenants with the plan.',
    }),
    maxStorageGb: t.exposeInt('maxStorageGb', {
      description: 'Value of `maxStorageGb` for tenants with the plan.',
    }),
    isApplied: t.exposeBoolean('isApplied', {
      description:
        'Whether all tenants of the plan have these limits, apart from their own. False for a while after a change, when ' +
        'the plan has thousands of tenants.',
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the limits were last changed.' }),
    version: t.exposeInt('version', {
      description: 'Version of the limits; every change increases it. Pass it as `expectedVersion`.',
    }),
  }),
});

builder.queryField('planLimits', (t) =>
  t.field({
    type: [PlanLimitsType],
    description: 'Limits of all plans. Scope: registry:read.',
    resolve: (_root, _args, { caller, commands }) => {
      authorize(caller, 'readRegistry');
      return listPlanLimits(commands.database);
    },
  }),
);

mutation('updatePlanLimits', {
  command: updatePlanLimits,
  description:
    'Changes the limits of a plan, and those of its tenants that are not their own: up to 2,000 tenants before the answer, ' +
    'others shortly after it (`isApplied`), each with an entry in the audit log. A tenant that uses more than a lowered ' +
    'limit keeps what it has and gets no more. Scope: registry:write. Errors: VERSION_CONFLICT, VALIDATION_ERROR.',
  input: (t) => ({
    plan: t.field({ type: PlanType, required: true, description: 'Plan to change.' }),
    maxUsers: t.int({ description: 'New limit of users.' }),
    maxMonthlyQuotes: t.int({ description: 'New limit of quotes per month.' }),
    maxStorageGb: t.int({ description: 'New limit of storage in GB.' }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    planLimits: t.field({
      type: PlanLimitsType,
      description: 'The limits after the change.',
      resolve: ({ plan }, _args, { commands }) => requirePlanLimits(commands.database, plan),
    }),
  }),
});
