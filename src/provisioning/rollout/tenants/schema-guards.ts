import type { ClientBase } from 'pg';
import {
  type ForeignPart,
  listForeignParts,
  requireOwnCode,
  requireOwnEventTriggers,
} from '../../fence/foreign-code.js';
import { findModuleRoles, type ModuleRoles } from '../../storage/module-role.js';

/** How long what was found in the module's database counts, in milliseconds. */
const validMs = 15_000;

interface Found {
  at: number;
  roles: ModuleRoles;
  /** Schemas with parts that other roles own or can change. */
  foreign: ReadonlySet<string>;
  schemas: ReadonlySet<string>;
}

/**
 * The check that no other role can have planted code in a schema, for all schemas of a module at once: the query of one costs nearly as
 * much as that of thousands. Only a trusted role can give another one the right to plant code, so it is no matter if it ran some seconds
 * ago. A schema in which something was found, or that was made since, is checked by itself, as is each database of a tenant.
 */
export class SchemaGuards {
  readonly #listSchemas: () => Promise<string[]>;
  #found: Promise<Found> | undefined;

  /** `listSchemas` lists the schemas of the rollout in the module's database. */
  constructor(listSchemas: () => Promise<string[]>) {
    this.#listSchemas = listSchemas;
  }

  /** Returns the module's roles. Throws CONFLICT when no file may run in the schema. `isShared`: it is in the module's database. */
  async check(client: ClientBase, schema: string, module: string, isShared: boolean): Promise<ModuleRoles> {
    if (!isShared) return checkAlone(client, schema, module);
    const { roles, foreign, schemas } = await this.#current(client, module);
    if (foreign.has(schema) || !schemas.has(schema)) await requireOwnCode(client, schema, roles.owner);
    return roles;
  }

  async #current(client: ClientBase, module: string): Promise<Found> {
    const held = await this.#found;
    if (held && performance.now() - held.at < validMs) return held;
    const reading = this.#read(client, module);
    this.#found = reading;
    // The next tenant tries again.
    reading.catch(() => {
      if (this.#found === reading) this.#found = undefined;
    });
    return reading;
  }

  async #read(client: ClientBase, module: string): Promise<Found> {
    const at = performance.now();
    const schemas = await this.#listSchemas();
    await requireOwnEventTriggers(client);
    const roles = await findModuleRoles(client, module);
    const parts: ForeignPart[] = await listForeignParts(client, schemas, roles.owner);
    return { at, roles, foreign: new Set(parts.map(({ schema }) => schema)), schemas: new Set(schemas) };
  }
}

async function checkAlone(client: ClientBase, schema: string, module: string): Promise<ModuleRoles> {
  await requireOwnEventTriggers(client);
  const roles = await findModuleRoles(client, module);
  await requireOwnCode(client, schema, roles.owner);
  return roles;
}
