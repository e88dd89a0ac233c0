import { builder } from '../builder.js';

export const DriftStatus = builder.enumType('DriftStatus', {
  description: 'Whether somebody has decided on a finding.',
  values: {
    OPEN: { value: 'OPEN', description: 'Nobody has decided.' },
    IGNORED: { value: 'IGNORED', description: 'The difference is left out of reports.' },
    ACCEPTED: { value: 'ACCEPTED', description: 'The database is right: the difference is not reported.' },
    REPAIRED: { value: 'REPAIRED', description: 'The database was made as the registry and the files say.' },
  } as const,
});

export const DriftSeverity = builder.enumType('DriftSeverity', {
  description: 'Weight of a finding.',
  values: {
    ERROR: {
      value: 'error',
      description: 'Something is, or soon will be, wrongly refused, wrongly admitted, or lost.',
    },
    WARNING: { value: 'warning', description: 'Nothing fails today, but an operator should look at it.' },
  } as const,
});

export const DriftFinding = builder.prismaObject('DriftFinding', {
  description: 'A difference between the registry, the files of a module and a service database.',
  fields: (t) => ({
    id: t.exposeID('id', {
      description: 'UUID that is made of code, tenant, module and object: each examination gives the same.',
    }),
    code: t.exposeString('code', {
      description: 'Code of the finding, as `tenant-registry doctor` reports it. Later versions add codes.',
    }),
    severity: t.field({
      type: DriftSeverity,
      description: 'Weight of the finding.',
      select: { severity: true },
      resolve: ({ severity }) => (severity === 'error' ? 'error' : 'warning'),
    }),
    status: t.expose('status', { type: DriftStatus, description: 'Whether somebody has decided on it.' }),
    tenantId: t.exposeID('tenantId', {
      nullable: true,
      description: 'UUID of the tenant; null when the finding is about none or several.',
    }),
    tenantSlug: t.exposeString('tenantSlug', {
      nullable: true,
      description: 'Slug of the tenant that the finding is about.',
    }),
    module: t.expose('module', {
      type: 'ModuleName',
      nullable: true,
      description: 'Name of the module; null when the finding is about none or several.',
    }),
    databaseName: t.exposeString('databaseName', {
      nullable: true,
      description: 'Database of the difference.',
    }),
    schemaName: t.exposeString('schemaName', { nullable: true, description: 'Schema of the difference.' }),
    objectKind: t.exposeString('objectKind', {
      nullable: true,
      description: 'Kind of the object that differs, such as table, column or index.',
    }),
    objectName: t.exposeString('objectName', {
      nullable: true,
      description:
        'Name of the object that differs, such as `invoice.number`; repairDrift takes it as `confirm`.',
    }),
    expected: t.exposeString('expected', {
      nullable: true,
      description:
        'Definition that the files of the module give the object; null when none of them makes it.',
    }),
    found: t.exposeString('found', {
      nullable: true,
      description: 'Definition that the object has; null when it does not exist.',
    }),
    problem: t.exposeString('problem', { description: 'The difference in one sentence.' }),
    remedy: t.exposeString('remedy', { description: 'The command, mutation or SQL that repairs it.' }),
    firstSeenAt: t.expose('firstSeenAt', { type: 'DateTime', description: 'When it was found first.' }),
    lastSeenAt: t.expose('lastSeenAt', { type: 'DateTime', description: 'When it was found last.' }),
    resolvedAt: t.expose('resolvedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When somebody decided on it; null while it is OPEN.',
    }),
    resolvedBy: t.exposeString('resolvedBy', {
      nullable: true,
      description: 'Actor that decided on it, as in the audit log.',
    }),
  }),
});
