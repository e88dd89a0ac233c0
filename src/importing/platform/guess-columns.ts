/** Guesses what the columns of unknown tables mean, for an operator to correct. Pure. */
import { Document } from 'yaml';
import { required } from './column-map.js';
import { shapes, type TableRole, tableRoles } from './table-shape.js';

export interface UnknownTable {
  schema: string;
  name: string;
  columns: readonly string[];
}

/** Words in the names of tables, by what they hold. The first role that fits counts. */
const namesOfRoles: readonly [RegExp, TableRole][] = [
  [/invit/, 'invitations'],
  [/brand|theme/, 'branding'],
  [/setting|preference/, 'settings'],
  [/log$|history|audit|event/, 'log'],
  [/user|member|people|person|staff/, 'users'],
  [/tenant|client|customer|organi[sz]ation|^orgs?$|account|compan(y|ies)|workspace/, 'tenants'],
];

/** Words in the names of columns, for those that have no name of the known platforms. */
const hints: Readonly<Record<string, RegExp>> = {
  tenant:
    /^(tenant|client|customer|organi[sz]ation|org|account|company|workspace)(_?(id|no|number|code|key|ref|uuid))?$/,
  id: /^(.*_)?(id|no|number|uuid|code|key)$/,
  slug: /slug|subdomain|handle/,
  name: /^(title|label|display_?name|company(_?name)?|(customer|client|account|organi[sz]ation)_?name)$/,
  full_name: /name/,
  email: /e?mail|^address$/,
  primary_email: /e?mail/,
  subject: /sub(ject)?$|auth|login|external|keycloak|firebase/,
  role: /role|permission/,
  status: /status|state/,
  is_active: /active|enabled/,
  plan: /plan|tier|tariff|package|subscription/,
  timezone: /time_?zone|^tz$/,
  currency: /currency|^ccy$/,
  config: /config|^json$|^data$/,
  max_users: /max.*users?|users?_?limit|seats/,
  max_monthly_quotes: /max.*quotes?|quotes?_?limit/,
  max_storage_gb: /max.*storage|storage.*limit/,
  support_phone: /phone|tel/,
  support_email: /support.*mail/,
  email_from_name: /(from|sender).*name/,
  email_from_email: /(from|sender).*(mail|address)/,
  website: /web|url|homepage/,
  logo_url: /logo/,
  primary_color: /primary.*colou?r|main.*colou?r/,
  secondary_color: /secondary.*colou?r/,
  accent_color: /accent.*colou?r/,
  created_at: /creat|signed_?up|^since$|^time$|_at$/,
  deleted_at: /delet|removed/,
  suspended_at: /suspended/,
  expires_at: /expir|valid_?until/,
  accepted_at: /accept|used/,
  module: /module|product/,
  action: /action|event|^what$/,
  actor: /actor|performed|^by$|user/,
  error: /error|message|detail/,
};

export interface GuessedTable {
  table: string;
  is: TableRole;
  columns: Record<string, string>;
  /** Columns whose meaning is not known. */
  unused: string[];
}

/** The guess for a table; undefined for one that seems to hold nothing of a platform. */
export function guessTable({ schema, name, columns }: UnknownTable): GuessedTable | undefined {
  const role = namesOfRoles.find(([pattern]) => pattern.test(name.toLowerCase()))?.[1];
  if (!role) return undefined;
  const meanings = Object.entries(shapes[role].columns);
  const found: Record<string, string> = {};
  const free = new Set(columns);
  const take = (meaning: string, column: string | undefined) => {
    if (column === undefined || found[meaning] !== undefined) return;
    found[meaning] = column;
    free.delete(column);
  };
  // Known names first, so that no hint takes them.
  for (const [meaning, names] of meanings)
    take(
      meaning,
      names.find((known) => free.has(known)),
    );
  for (const [meaning] of meanings) {
    const pattern = hints[meaning];
    if (pattern)
      take(
        meaning,
        [...free].find((column) => pattern.test(column.toLowerCase())),
      );
  }
  if (required[role].some((meaning) => found[meaning] === undefined)) return undefined;
  return { table: `${schema}.${name}`, is: role, columns: found, unused: [...free] };
}

/** The file of --columns with these guesses. */
export function writeColumnMap(guesses: readonly GuessedTable[]): string {
  if (guesses.length === 0)
    return '# No table was found that seems to hold tenants, besides those that are read anyway.\n';
  const sorted = guesses.toSorted((a, b) => tableRoles.indexOf(a.is) - tableRoles.indexOf(b.is));
  const document = new Document({ tables: sorted.map(({ unused: _, ...guess }) => guess) });
  document.commentBefore = ` Guessed from the names of tables and columns: correct it before an import with --columns.\n ${sorted
    .filter(({ unused }) => unused.length > 0)
    .map(({ table, unused }) => `Columns of ${table} without a known meaning: ${unused.join(', ')}`)
    .join('\n ')}`;
  return document.toString({ lineWidth: 0 });
}
