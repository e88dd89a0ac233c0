/** Writes a registered tenant as the client.yaml from which it could have been imported. Pure. */
import { Document } from 'yaml';
import { tenantConfigJsonSchema } from '../../profile/config/tenant-config.js';
import type { ExportedTenant } from '../../profile/export-registry.js';
import { defaultTheme } from '../../profile/profile-fields.js';
import { clientKeys } from './client-sorting.js';

type Json = Record<string, unknown>;

interface Shape {
  properties?: Record<string, Shape>;
  items?: Shape;
}

/** The first line of a written file, by which a later export knows that it may replace the file. */
export const writtenMark = '# Written by tenant-registry export clients: changes belong in the registry.';

/** Returns the text of a client.yaml. Its secrets are references, as in the registry. */
export function writeClientFile(tenant: ExportedTenant): string {
  const file = toClientFile(tenant);
  const text = new Document(file, { compat: 'yaml-1.1', aliasDuplicateObjects: false }).toString({
    lineWidth: 0,
  });
  return `${writtenMark}\n${text}`;
}

/** The content of the file: the configuration, with the fields that the registry keeps beside it at their old places. */
function toClientFile(tenant: ExportedTenant): Json {
  const { slug, name, shortName, timezone, currency, settings, branding } = tenant;
  const { extensions, ...config } = structuredClone(tenant.config ?? {}) as Json;
  const file: Json = {
    client: { id: slug, name, ...given('short_name', shortName), timezone, currency },
    ...config,
  };
  // The columns count: the configuration repeats them, or does not have them.
  put(file, ['email', 'primary'], tenant.primaryEmail);
  put(file, ['infrastructure', 'gcp', 'project_id'], tenant.gcpProjectId);
  put(file, ['infrastructure', 'gcp', 'dataset'], tenant.gcpDataset);
  put(file, ['branding', 'company_name'], settings?.companyName, name);
  put(file, ['branding', 'theme_id'], branding?.presetTheme, defaultTheme);
  put(file, ['branding', 'logo_url'], branding?.logoUrl);
  put(file, ['branding', 'primary_color'], branding?.primaryColor);
  put(file, ['branding', 'secondary_color'], branding?.secondaryColor);
  put(file, ['branding', 'accent_color'], branding?.accentColor);
  put(file, ['email', 'sendgrid', 'from_name'], settings?.emailFromName);
  put(file, ['email', 'sendgrid', 'from_email'], settings?.emailFromEmail);
  if (isMap(extensions)) unfold(file, extensions);
  return file;
}

function given(key: string, value: unknown): Json {
  return value === null || value === undefined ? {} : { [key]: value };
}

/** Sets a value of the file. One that an import gives the tenant anyway is only set where the file has the key. */
function put(file: Json, path: readonly string[], value: unknown, byDefault?: unknown): void {
  const keys = path.slice(0, -1);
  const last = path.at(-1) ?? '';
  if (value === null || value === undefined) {
    const place = keys.reduce<unknown>((at, key) => (isMap(at) ? at[key] : undefined), file);
    // An import takes a key without a value for none.
    if (isMap(place) && place[last] !== undefined && place[last] !== null) delete place[last];
    return;
  }
  if (
    value === byDefault &&
    keys.reduce<unknown>((at, key) => (isMap(at) ? at[key] : undefined), file) === undefined
  )
    return;
  let place = file;
  for (const key of keys) {
    const next = place[key];
    const child = isMap(next) ? next : {};
    place[key] = child;
    place = child;
  }
  if (value !== byDefault || place[last] !== undefined) place[last] = value;
}

/** Puts keys that the configuration does not know back to their places, and leaves those under extensions whose places are taken. */
function unfold(file: Json, extensions: Json): void {
  const shape = tenantConfigJsonSchema() as Shape;
  const client: Shape = { properties: Object.fromEntries(clientKeys.map((key) => [key, {}])) };
  const known: Shape = { properties: { ...shape.properties, client } };
  const rest = unfoldInto(file, extensions, known);
  if (rest !== undefined) file.extensions = rest;
}

/** Returns the part that could not be put into the place. */
function unfoldInto(place: Json, extensions: Json, shape: Shape | undefined): Json | undefined {
  const rest: Json = {};
  for (const [key, value] of Object.entries(extensions)) {
    const part = shape?.properties?.[key];
    const there = place[key];
    if (key === 'extensions' || key === '__proto__') rest[key] = value;
    else if (!part && there === undefined) place[key] = value;
    else if (part?.properties && isMap(value) && (there === undefined || isMap(there))) {
      const child = isMap(there) ? there : {};
      const left = unfoldInto(child, value, part);
      if (Object.keys(child).length > 0) place[key] = child;
      if (left !== undefined) rest[key] = left;
    } else if (part?.items && isMap(value) && Array.isArray(there)) {
      const left = unfoldItems(there, value, part.items);
      if (left !== undefined) rest[key] = left;
    } else rest[key] = value;
  }
  return Object.keys(rest).length > 0 ? rest : undefined;
}

/** Unknown keys of the items of a list stand under their positions. */
function unfoldItems(items: unknown[], extensions: Json, shape: Shape): Json | undefined {
  const rest: Json = {};
  for (const [position, value] of Object.entries(extensions)) {
    const item = /^\d+$/.test(position) ? items[Number(position)] : undefined;
    const left = isMap(item) && isMap(value) ? unfoldInto(item, value, shape) : value;
    if (left !== undefined) rest[position] = left;
  }
  return Object.keys(rest).length > 0 ? rest : undefined;
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
