import { requireHeadRevision } from '../../registry/command.js';
import {
  checkQuota,
  maxUsageRecords,
  recordUsage,
  recordUsages,
} from '../../registry/commands/record-usage.js';
import { type Metric, remainingOf, type Usage } from '../../registry/usage/usage.js';
import { type RecordedUsage, UsageRefusal } from '../../registry/usage/usage-recorder.js';
import { builder } from '../builder.js';
import type { GraphqlContext } from '../context.js';
import { ErrorCodeType } from '../fields/error-code.js';
import { type MutationInputFields, tenantIdField, waitField } from '../fields/mutation-input.js';
import { TenantUsage, UsageMetricType } from './tenant-usage.js';

const amountRules =
  'More than 0 to use something; less than 0 to give back what was recorded, for USERS and STORAGE_GB. A whole number, for ' +
  'STORAGE_GB with up to 3 decimals.';

function recordFields(t: MutationInputFields) {
  return {
    tenantId: tenantIdField(t),
    metric: t.field({ type: UsageMetricType, required: true, description: 'Metric that is used.' }),
    amount: t.float({ required: true, description: `Amount that is added. ${amountRules}` }),
    idempotencyKey: t.string({
      description:
        'Text chosen by the client, at most 200 characters, such as the id of the quote. Within 24 hours, a record of the ' +
        'same caller, tenant and metric with the same key is not counted again; with another amount it is refused with ' +
        'IDEMPOTENCY_KEY_REUSED. A refused record does not use its key up.',
    }),
  };
}

const usageWait = (t: MutationInputFields) =>
  waitField(
    t,
    'Accepted as in every mutation, but it has no effect: usage is not cached, so every gateway knows the record when the answer arrives.',
  );

const refusals =
  'QUOTA_EXCEEDED, IDEMPOTENCY_KEY_REUSED, TENANT_NOT_FOUND, VALIDATION_ERROR; TENANT_SUSPENDED, TENANT_DELETED or ' +
  'TENANT_NOT_READY for an amount above 0 of a tenant that is not ACTIVE';

const notARevision = 'Usage has no revision and is not in the audit log.';

function forget(context: GraphqlContext): void {
  context.usage.clearAll();
}

/** Read only where a client selects it: every other mutation has it. */
const presentRevision = {
  type: 'Revision',
  description: 'Present revision of the registry, which usage does not raise.',
  resolve: (_payload: unknown, _args: object, { commands }: GraphqlContext) =>
    requireHeadRevision(commands.database.pool),
} as const;

builder.relayMutationField(
  'recordUsage',
  {
    description: 'Input of recordUsage.',
    inputFields: (t) => ({ ...recordFields(t), wait: usageWait(t) }),
  },
  {
    description:
      'Counts what a tenant uses, unless its limit would be exceeded. The limit holds exactly, at all gateways together. ' +
      `${notARevision} Scope: usage:record. Errors: ${refusals}. Null when it is refused; \`errors\` has the code.`,
    nullable: true,
    resolve: (_root, { input }, context) =>
      recordUsage(context.commands, input).finally(() => forget(context)),
  },
  {
    description: 'Result of recordUsage.',
    outputFields: (t) => ({
      usage: t.field({
        type: TenantUsage,
        description: 'Usage of the metric, this record included.',
        resolve: ({ usage }) => usage,
      }),
      isRepeated: t.boolean({
        description:
          'Whether the record had been counted before under its idempotency key, and not again now.',
        resolve: ({ isRepeated }) => isRepeated,
      }),
      revision: t.field(presentRevision),
    }),
  },
);

const UsageRecordInput = builder.inputType('UsageRecordInput', {
  description: 'One record of recordUsages.',
  fields: (t) => recordFields(t),
});

const UsageRecorded = builder.objectRef<RecordedUsage>('UsageRecorded').implement({
  description: 'Record of recordUsages that was counted.',
  fields: (t) => ({
    tenantId: t.exposeID('tenantId', { description: 'UUID of the tenant.' }),
    usage: t.field({
      type: TenantUsage,
      description: 'Usage of the metric after this record, before the next one.',
      resolve: ({ usage }) => usage,
    }),
    isRepeated: t.exposeBoolean('isRepeated', {
      description: 'Whether this record had been counted before, and was not counted again.',
    }),
  }),
});

/** An error itself would be an error of the field. */
interface Refused {
  record: { tenantId: string; metric: Metric };
  refusal: UsageRefusal;
}

const UsageRefused = builder.objectRef<Refused>('UsageRefused').implement({
  description: 'Record of recordUsages that was refused. The other records stand.',
  fields: (t) => ({
    code: t.field({
      type: ErrorCodeType,
      description: 'Error code, such as QUOTA_EXCEEDED.',
      resolve: ({ refusal }) => refusal.code,
    }),
    message: t.string({
      description: 'Message for people.',
      resolve: ({ refusal }) => refusal.message,
    }),
    tenantId: t.id({
      description: 'Id, slug or external id of the tenant as in the record.',
      resolve: ({ record }) => record.tenantId,
    }),
    metric: t.field({
      type: UsageMetricType,
      description: 'Metric as in the record.',
      resolve: ({ record }) => record.metric,
    }),
    // Not "usage": that of a counted record is never null, which a union can't mix.
    currentUsage: t.field({
      type: TenantUsage,
      nullable: true,
      description: 'Usage that led to the refusal; null when the tenant or the amount was not accepted.',
      resolve: ({ refusal }) => refusal.usage ?? null,
    }),
  }),
});

const RecordUsageResult = builder.unionType('RecordUsageResult', {
  description: 'Result for one record of recordUsages.',
  types: [UsageRecorded, UsageRefused],
  resolveType: (value) => ('refusal' in value ? UsageRefused : UsageRecorded),
});

builder.relayMutationField(
  'recordUsages',
  {
    description: 'Input of recordUsages.',
    inputFields: (t) => ({
      records: t.field({
        type: [UsageRecordInput],
        required: true,
        description: `Records, at most ${maxUsageRecords}. They are counted in their order.`,
      }),
      idempotencyKey: t.string({
        description:
          'Text chosen by the client, at most 180 characters, for all records without a key of their own: record number n, ' +
          'from 1, then has the key `<text>:<n>`.',
      }),
      wait: usageWait(t),
    }),
  },
  {
    description:
      `Counts at most ${maxUsageRecords} records of any tenants. Each has its own answer or refusal, in their order: ` +
      `${refusals}. ${notARevision} Scope: usage:record. Null when it is refused; \`errors\` has the code.`,
    nullable: true,
    resolve: async (_root, { input }, context) => ({
      results: (await recordUsages(context.commands, input).finally(() => forget(context))).map(
        (answer, at) =>
          answer instanceof UsageRefusal
            ? { refusal: answer, record: input.records[at] as Refused['record'] }
            : answer,
      ),
    }),
  },
  {
    description: 'Result of recordUsages.',
    outputFields: (t) => ({
      results: t.field({
        type: [RecordUsageResult],
        description: 'Results in the order of the records.',
        resolve: ({ results }) => results,
      }),
      revision: t.field(presentRevision),
    }),
  },
);

const QuotaCheck = builder.objectRef<{ isAllowed: boolean; usage: Usage }>('QuotaCheck').implement({
  description: 'Answer of checkQuota.',
  fields: (t) => ({
    isAllowed: t.exposeBoolean('isAllowed', {
      description: 'Whether recordUsage would count the amount at this moment.',
    }),
    remaining: t.float({
      description: 'Amount that is left at this moment.',
      resolve: ({ usage }) => remainingOf(usage),
    }),
    usage: t.field({
      type: TenantUsage,
      description: 'Usage of the metric, without the amount.',
      resolve: ({ usage }) => usage,
    }),
  }),
});

builder.queryField('checkQuota', (t) =>
  t.field({
    type: QuotaCheck,
    nullable: true,
    description:
      'Tells whether a tenant may use an amount. It reserves nothing, so record the usage before the work and not after it. ' +
      `The result is never null without an error. Scope: usage:record. Errors: ${refusals.replace('QUOTA_EXCEEDED, IDEMPOTENCY_KEY_REUSED, ', '')}.`,
    args: {
      tenantId: t.arg.id({ required: true, description: 'UUID, slug or external id of the tenant.' }),
      metric: t.arg({ type: UsageMetricType, required: true, description: 'Metric that is to be used.' }),
      amount: t.arg.float({ defaultValue: 1, description: `Amount that is to be used. ${amountRules}` }),
    },
    resolve: (_root, { tenantId, metric, amount }, { commands }) =>
      checkQuota(commands, { tenantId, metric, amount: amount ?? 1 }),
  }),
);
