import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { developer } from '../../../src/auth/caller.js';
import { importDatabases } from '../../../src/importing/databases/database-import.js';
import { diagnose } from '../../../src/provisioning/doctor/doctor.js';
import { planGrants } from '../../../src/provisioning/storage/grants.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { createDatabase, uniqueName } from '../../setup/database.js';
import { mutate } from '../../setup/graphql-calls.js';
import { aTenant } from '../../setup/stories.js';
import { urlTo } from './catalog.js';
import { contacts, type GatewayWithModules, openGatewayWithModules } from './gateway-with-own-modules.js';
import { provision, provisionModule, subscribe, unsubscribe } from './provisioning-calls.js';

/** A service that owns a schema, or was a member of the owner's role, and has planted code there and in schema public. */
interface Attack {
  module: string;
  /** The role of the service. */
  attacker: string;
  /** The schema that the attacker owns. */
  schema: string;
  tenantId: string;
}

const payload = 'public.payload()';

/** A table with the columns of the registry's versions that names the tenant, as an attacker would forge it. */
const versionTable = ({ schema, tenantId, module }: Attack, moduleType = 'varchar(31)') => `
  CREATE TABLE ${schema}.schema_version (migration varchar(200) PRIMARY KEY, checksum char(64), tenant_id uuid,
    module ${moduleType}, applied_at timestamptz DEFAULT now());
  INSERT INTO ${schema}.schema_version (migration, checksum, tenant_id, module)
    VALUES ('${module}/0001_contacts.sql', repeat('0', 64), '${tenantId}', '${module}');
  -- A provisioner without superuser can work on it, too.
  GRANT ALL ON SCHEMA ${schema} TO PUBLIC;
  GRANT ALL ON ${schema}.schema_version TO PUBLIC;`;

/** An old table of tenants in schema public that import reads. */
const oldTenants = (extra = '') => `CREATE TABLE public.tenants (id uuid, slug text, name text ${extra});`;

interface Plant {
  /** SQL of the attacker. */
  sql: (attack: Attack) => string;
  /** SQL of an administrator, for what only a superuser can create. */
  byAdministrator?: (attack: Attack) => string;
}

/** The objects that the attacker plants, by kind. Each calls the payload when it runs. */
export const plants: Readonly<Record<string, Plant>> = {
  trigger: {
    sql: (attack) => `${versionTable(attack)}
      CREATE FUNCTION ${attack.schema}.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN NEW; END';
      CREATE TRIGGER planted BEFORE INSERT OR UPDATE ON ${attack.schema}.schema_version FOR EACH ROW EXECUTE FUNCTION ${attack.schema}.fire();`,
  },
  'deferred trigger': {
    sql: (attack) => `${versionTable(attack)}
      CREATE FUNCTION ${attack.schema}.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN NEW; END';
      CREATE CONSTRAINT TRIGGER planted AFTER INSERT ON ${attack.schema}.schema_version DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION ${attack.schema}.fire();`,
  },
  rule: {
    sql: (attack) => `${versionTable(attack)}
      CREATE RULE planted AS ON INSERT TO ${attack.schema}.schema_version DO ALSO SELECT ${payload};`,
  },
  view: {
    sql: (attack) => `
      CREATE VIEW ${attack.schema}.schema_version AS
        SELECT 'x'::varchar AS migration, 'x'::char(64) AS checksum, '${attack.tenantId}'::uuid AS tenant_id,
               '${attack.module}'::varchar AS module WHERE ${payload};
      GRANT ALL ON SCHEMA ${attack.schema} TO PUBLIC;
      GRANT ALL ON ${attack.schema}.schema_version TO PUBLIC;`,
  },
  cast: {
    sql: (attack) => `
      CREATE TYPE ${attack.schema}.mood AS ENUM ('${attack.module}');
      CREATE FUNCTION ${attack.schema}.show(${attack.schema}.mood) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN ''x''; END';
      CREATE FUNCTION ${attack.schema}.dump(${attack.schema}.mood) RETURNS json LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN ''1''; END';
      CREATE CAST (${attack.schema}.mood AS text) WITH FUNCTION ${attack.schema}.show AS IMPLICIT;
      CREATE CAST (${attack.schema}.mood AS json) WITH FUNCTION ${attack.schema}.dump;
      ${versionTable(attack, `${attack.schema}.mood`)}
      ${oldTenants(`, status ${attack.schema}.mood`)}
      INSERT INTO public.tenants VALUES (gen_random_uuid(), 'old-${attack.module.replaceAll('_', '-')}', 'Old', '${attack.module}');`,
  },
  operator: {
    sql: (attack) => `${versionTable(attack)}
      CREATE FUNCTION public.same(name, name) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN ${payload}; END';
      CREATE FUNCTION public.same(name, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN ${payload}; END';
      CREATE FUNCTION public.same(varchar, varchar) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN ${payload}; END';
      CREATE OPERATOR public.~ (LEFTARG = name, RIGHTARG = name, FUNCTION = public.same);
      CREATE OPERATOR public.!~ (LEFTARG = name, RIGHTARG = name, FUNCTION = public.same);
      CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.same);`,
  },
  policy: {
    sql: (attack) => `${versionTable(attack)} ${oldTenants()}
      CREATE POLICY planted ON ${attack.schema}.schema_version USING (${payload});
      ALTER TABLE ${attack.schema}.schema_version ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      GRANT USAGE ON SCHEMA ${attack.schema} TO PUBLIC;
      GRANT SELECT ON ${attack.schema}.schema_version, public.tenants TO PUBLIC;
      CREATE POLICY planted ON public.tenants USING (${payload});
      ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
  },
  'event trigger': {
    sql: (attack) => `${versionTable(attack)} ${oldTenants()}`,
    // The administrator's event trigger calls a function that the service may replace.
    byAdministrator: ({ attacker }) => `
      CREATE FUNCTION public.on_command() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; END';
      ALTER FUNCTION public.on_command() OWNER TO ${attacker};
      CREATE EVENT TRIGGER planted_${attacker} ON ddl_command_end EXECUTE FUNCTION public.on_command();
      CREATE EVENT TRIGGER dropping_${attacker} ON sql_drop EXECUTE FUNCTION public.on_command();`,
  },
  'default expression': {
    sql: (attack) => `${versionTable(attack)}
      CREATE FUNCTION ${attack.schema}.late() RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN now(); END';
      ALTER TABLE ${attack.schema}.schema_version ALTER applied_at SET DEFAULT ${attack.schema}.late();`,
  },
  'index expression': {
    // The planner evaluates an immutable function with constant arguments, for every query on the table.
    sql: (attack) => `${versionTable(attack)} ${oldTenants()}
      GRANT USAGE ON SCHEMA ${attack.schema} TO PUBLIC;
      GRANT SELECT ON ${attack.schema}.schema_version, public.tenants TO PUBLIC;
      CREATE FUNCTION ${attack.schema}.one(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN 1; END';
      CREATE INDEX planted ON ${attack.schema}.schema_version ((${attack.schema}.one(1)));
      CREATE INDEX planted ON public.tenants ((${attack.schema}.one(1)));`,
  },
  'function in public': {
    sql: (attack) => `${versionTable(attack)}
      CREATE FUNCTION public.pg_has_role(name, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN ${payload}; END';
      CREATE FUNCTION public.has_schema_privilege(name, oid, varchar) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN ${payload}; END';
      CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN $1::text; END';
      CREATE FUNCTION public.hashtextextended(varchar, int) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN 1; END';`,
  },
  search_path: {
    sql: (attack) => `${versionTable(attack)}
      CREATE VIEW public.pg_namespace AS SELECT * FROM pg_catalog.pg_namespace WHERE ${payload};
      CREATE VIEW public.pg_class AS SELECT * FROM pg_catalog.pg_class WHERE ${payload};
      CREATE VIEW public.pg_roles AS SELECT * FROM pg_catalog.pg_roles WHERE ${payload};
      CREATE FUNCTION public.current_database() RETURNS name LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN ''x''; END';`,
    // As the owner of the database could: the service's path comes before pg_catalog.
    byAdministrator: () => `
      DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$`,
  },
};

/** The function that every plant calls. Counts, outside of transactions, the calls by roles other than the attacker's. */
const payloadSql = (attacker: string) => `
  CREATE SEQUENCE public.ran;
  GRANT ALL ON SEQUENCE public.ran TO PUBLIC;
  CREATE FUNCTION ${payload} RETURNS boolean LANGUAGE plpgsql AS $payload$
  BEGIN
    IF current_user = '${attacker}' THEN
      RETURN true;
    END IF;
    -- A read-only transaction has no sequences.
    IF current_setting('transaction_read_only') = 'on' THEN
      PERFORM pg_catalog.pg_notify('ran', current_user);
    ELSE
      PERFORM pg_catalog.nextval('public.ran');
    END IF;
    BEGIN
      RESET ROLE;
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    BEGIN
      EXECUTE 'ALTER ROLE ${attacker} SUPERUSER';
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    BEGIN
      UPDATE tenant_guard.binding SET state = 'suspended';
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    RETURN true;
  END $payload$;`;

export type ProvisionerKind = 'superuser' | 'role without superuser';

/** A service database with a victim's storage, a provisioner and an attacker, who may create schemas and objects in public. */
export interface AttackedDatabase extends AsyncDisposable {
  testbed: GatewayWithModules;
  module: string;
  attacker: string;
  asAttacker(sql: string): Promise<unknown>;
  asAdministrator<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]>;
  /** Plants one kind for a new tenant, in a schema with the name that the tenant would get. */
  plant(kind: string): Promise<Attack & { slug: string }>;
  /** How often the payload ran as another role since the last call. */
  countRuns(): Promise<number>;
  /** The attacker's role, all bindings and the victim's data. */
  readState(): Promise<unknown>;
}

export async function openAttackedDatabase(provisioner: ProvisionerKind): Promise<AttackedDatabase> {
  const database = await createDatabase();
  const module = uniqueName('m').slice(0, 31);
  const [attacker, prov] = [`${module}_service`, uniqueName('prov')];
  const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);
  const asAdministrator = <Row extends pg.QueryResultRow>(sql: string) => queryOnce<Row>(database.url, sql);
  const urlAs = (role: string) => {
    const url = new URL(database.url);
    url.username = role;
    url.password = 'secret';
    return url.href;
  };
  const [grants] = planGrants([
    { module, server: 'here', database: database.name, provisioner: prov, hasDatabases: false },
  ]);
  for (const statement of grants?.statements ?? []) await asAdministrator(statement);
  await onServer(`ALTER ROLE ${prov} PASSWORD 'secret' ${provisioner === 'superuser' ? 'SUPERUSER' : ''};
    ALTER ROLE ${attacker} PASSWORD 'secret'`);
  await asAdministrator(`GRANT CREATE ON DATABASE ${database.name} TO ${attacker};
    GRANT CREATE ON SCHEMA public TO ${attacker}`);
  const testbed = await openGatewayWithModules({
    ...{ name: module, migrations: contacts, url: urlAs(prov), schemaPrefix: 'own_' },
  });
  const victim = await aTenant().subscribedTo(module).at(testbed.gateway);
  await asAdministrator(`INSERT INTO own_${victim.slug}.contact VALUES (1, 'victim')`);
  const asAttacker = (sql: string) => queryOnce(urlAs(attacker), sql);
  await asAttacker(payloadSql(attacker));
  const listener = new pg.Client({ connectionString: database.url });
  await listener.connect();
  await listener.query('LISTEN ran');
  let notified = 0;
  let counted = 0;
  listener.on('notification', () => void notified++);
  const victimsState = await readVictim();

  function readVictim() {
    return asAdministrator(
      `SELECT 1 AS n, jsonb_agg(to_jsonb(b)) AS found FROM tenant_guard.binding AS b WHERE tenant_id = '${victim.id}'
       UNION ALL SELECT 2, jsonb_agg(to_jsonb(c)) FROM own_${victim.slug}.contact AS c
       UNION ALL SELECT 3, jsonb_agg(to_jsonb(v) ORDER BY migration) FROM tenant_guard.schema_version AS v WHERE tenant_id = '${victim.id}'`,
    );
  }

  async function countRuns(): Promise<number> {
    await listener.query('SELECT 1');
    const [row] = await asAdministrator<{ ran: string }>(
      'SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS ran FROM public.ran',
    );
    const ran = Number(row?.ran) + notified;
    const before = counted;
    counted = ran;
    return ran - before;
  }

  return {
    testbed,
    module,
    attacker,
    asAttacker,
    asAdministrator,
    async plant(kind) {
      const slug = uniqueName('t');
      const { id: tenantId } = await aTenant({ slug }).at(testbed.gateway);
      const attack = { module, attacker, schema: `own_${slug}`, tenantId };
      const { sql, byAdministrator } = plants[kind] ?? { sql: versionTable };
      await asAttacker(`CREATE SCHEMA ${attack.schema}; ${sql(attack)}`);
      if (byAdministrator) await asAdministrator(byAdministrator(attack));
      await countRuns();
      return { ...attack, slug };
    },
    countRuns,
    async readState() {
      const roles = await onServer(
        `SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
                ARRAY(SELECT roleid::regrole::text FROM pg_auth_members WHERE member = role.oid) AS member_of
         FROM pg_roles AS role WHERE rolname = '${attacker}'`,
      );
      const now = await readVictim();
      return { roles, isVictimUnchanged: JSON.stringify(now) === JSON.stringify(victimsState) };
    },
    async [Symbol.asyncDispose]() {
      await listener.end();
      await testbed.close();
      await database.drop();
      for (const role of [attacker, prov, `${module}_access`, `${module}_tenants`])
        await onServer(`DROP ROLE IF EXISTS ${role}`);
    },
  };
}

type Act = (at: AttackedDatabase, attack: Attack & { slug: string }) => Promise<unknown>;

/** Everything that the registry does at the attacker's schema, in an order in which each can follow the others. */
export const acts: Readonly<Record<string, Act>> = {
  'the service calls ensure': ({ asAttacker, module }, { tenantId, schema }) =>
    asAttacker(`CALL public.ensure_${module}_tenant_schema('${tenantId}', '${schema}')`),
  'the registry calls ensure': ({ testbed, module }, { tenantId, schema }) =>
    queryOnce(testbed.url(module), `CALL public.ensure_${module}_tenant_schema('${tenantId}', '${schema}')`),
  'dry run of the import': ({ testbed, module }) => runImport(testbed, module, true),
  doctor: ({ testbed }) => diagnose(testbed.gateway.app.commandsFor(developer)),
  subscribe: ({ testbed, module }, { tenantId }) => subscribe(testbed.gateway, { tenantId, module }),
  provision: ({ testbed, module }) =>
    provision(testbed.gateway, { slug: uniqueName('t'), modules: [module] }),
  'provision again': ({ testbed, module }, { tenantId }) =>
    provisionModule(testbed.gateway, { tenantId, module }),
  adopt: ({ testbed, module }) => runImport(testbed, module, false),
  'the service calls ensure after the adoption': ({ asAttacker, module }, { tenantId, schema }) =>
    asAttacker(`CALL public.ensure_${module}_tenant_schema('${tenantId}', '${schema}')`),
  'doctor after the adoption': ({ testbed }) => diagnose(testbed.gateway.app.commandsFor(developer)),
  'subscribe again': async ({ testbed, module }, { tenantId }) => {
    await unsubscribe(testbed.gateway, { tenantId, module });
    return subscribe(testbed.gateway, { tenantId, module });
  },
  remove: async ({ testbed }, { tenantId }) => {
    await mutate(testbed.gateway, 'deleteTenant', { tenantId }, 'revision').catch(() => undefined);
    return mutate(testbed.gateway, 'purgeTenant', { tenantId }, 'revision');
  },
};

function runImport(testbed: GatewayWithModules, module: string, isDryRun: boolean) {
  const context = testbed.gateway.app.commandsFor(developer);
  return importDatabases(context, { modules: [module], isDryRun, hasEmbedded: false });
}

/** Runs the payload's query as queued event of the attacker's own table, inside the caller's transaction. */
export const queuedAttack = (module: string, schema: string) => `
  CREATE TEMP TABLE bait (id int);
  CREATE FUNCTION pg_temp.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN NEW; END';
  CREATE CONSTRAINT TRIGGER planted AFTER INSERT ON pg_temp.bait DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION pg_temp.fire();
  BEGIN;
  INSERT INTO pg_temp.bait VALUES (1);
  CALL public.ensure_${module}_tenant_schema('${randomUUID()}', '${schema}');
  COMMIT`;

/** Plants a trigger in the table of a schema that the registry made, as a member of the role that owns it. */
export const plantAsMember = (owner: string, schema: string) => `
  SET ROLE ${owner};
  CREATE FUNCTION ${schema}.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ${payload}; RETURN NEW; END';
  CREATE TRIGGER planted BEFORE INSERT ON ${schema}.contact FOR EACH ROW EXECUTE FUNCTION ${schema}.fire();`;
