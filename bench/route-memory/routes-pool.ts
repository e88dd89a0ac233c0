/** Answers the two statements that read routes like `pg` does: with new texts for every row. */
const epoch = '7a6e3c1f9b2d4e50';
/** As long as the revisions of a registry with this many tenants. */
const revision = '12345678';

function rowOf(id: string, module: string) {
  const slug = `company-${id.slice(-8)}`;
  const text = Buffer.from(
    [id, slug, 'active', 'schema', module, `${module}_${slug.replace('-', '_')}`].join(' '),
  );
  let start = 0;
  const next = () => {
    const end = text.indexOf(' ', start);
    const found = text.toString('utf8', start, end < 0 ? text.length : end);
    start = end + 1;
    return found;
  };
  return {
    tenantId: next(),
    tenantSlug: next(),
    tenantStatus: next(),
    suspendedReason: null,
    moduleExists: true,
    subscriptionStatus: Buffer.from('active').toString(),
    isolation: next(),
    databaseName: next(),
    schemaName: next(),
    generation: 1,
    epoch: Buffer.from(epoch).toString(),
    asOf: Buffer.from(revision).toString(),
  };
}

export const routesPool = {
  epoch,
  revision,
  async query({ values }: { values: [string[], unknown, string[]] | [string, unknown, string] }) {
    const [ids, , modules] = values;
    if (typeof ids === 'string') return { rows: [rowOf(ids, modules as string)] };
    return { rows: ids.map((id, at) => rowOf(id, modules[at] as string)) };
  },
};
