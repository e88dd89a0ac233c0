/** References in the configuration of tenant acme, or of the named one, and whether they are allowed. */
export interface ReferenceCase {
  name: string;
  place: string;
  isAllowed: boolean;
  slug?: string;
  secretNames?: string[];
}

const smtp = 'email.smtp.password';
const openai = 'infrastructure.openai.api_key';

const allowed: [name: string, place?: string, options?: Partial<ReferenceCase>][] = [
  ['ACME_SMTP_PASSWORD'],
  ['ACME_X'],
  ['ACME_DATABASE_URL'],
  ['OIL_AND_GAS_SMTP_PASSWORD', smtp, { slug: 'oil-and-gas' }],
  ['OIL_AND_GAS_SMTP_PASSWORD', smtp, { slug: 'oil_and_gas' }],
  ['T_1_KEY', openai, { slug: 't-1' }],
  ['SENDGRID_API_KEY', 'infrastructure.sendgrid.api_key'],
  ['SENDGRID_API_KEY', 'email.sendgrid.api_key'],
  ['VAPI_API_KEY', 'infrastructure.vapi.api_key'],
  ['OPENAI_API_KEY', openai],
  ['SUPABASE_URL', 'infrastructure.supabase.url', { secretNames: ['SUPABASE_URL'] }],
  ['OPENAI_API_KEY', smtp, { secretNames: ['OPENAI_API_KEY'] }],
  ['FINANCE_DB_URL', smtp, { secretNames: ['FINANCE_DB_URL'] }],
];

/** First words of variables that services have for themselves. */
const reservedWords =
  `ADMIN ANTHROPIC API APP AUTH AWS AZURE DATABASE DATADOG DB DOCKER ENCRYPTION GCP GITHUB GITLAB GOOGLE JWT
  KAFKA KUBERNETES MONGO MONGODB MYSQL NODE NPM OAUTH OIDC OPENAI OTEL PG POSTGRES POSTGRESQL PRISMA PRIVATE RABBITMQ REDIS
  REGISTRY SECRET SENDGRID SENTRY SERVICE SESSION SIGNING SLACK SMTP SSH SSL STRIPE SUPABASE TLS TWILIO VAPI VAULT`.split(
    /\s+/,
  );

const refused: typeof allowed = [
  ...reservedWords.map((word): (typeof allowed)[number] => [`${word}_X`, smtp, { slug: word.toLowerCase() }]),
  ...['DATABASE_URL', 'REDIS_URL', 'REGISTRY_KEY', 'AWS_SECRET_ACCESS_KEY', 'PATH', 'HOME'].map(
    (name) => [name] as [string],
  ),
  ['SUPABASE_URL', 'infrastructure.supabase.url'],
  ['GLOBEX_SMTP_PASSWORD'],
  // Nearly the tenant's prefix.
  ['ACME'],
  ['ACME_'],
  ['ACMETRADING_SMTP_PASSWORD'],
  ['acme_smtp_password'],
  ['Acme_SMTP_PASSWORD'],
  ['_ACME_SMTP_PASSWORD'],
  ['MY_ACME_SMTP_PASSWORD'],
  ['OIL_SMTP_PASSWORD', smtp, { slug: 'oil-and-gas' }],
  // A shared key at a place whose server the tenant chooses.
  ['OPENAI_API_KEY', smtp],
  ['SENDGRID_API_KEY', smtp],
  ['VAPI_API_KEY', openai],
  ['OPENAI_API_KEY', 'infrastructure.supabase.url'],
  // Never in a configuration, whoever lists it.
  ['SUPABASE_SERVICE_KEY', 'infrastructure.supabase.anon_key'],
  ['SUPABASE_SERVICE_KEY', smtp, { secretNames: ['SUPABASE_SERVICE_KEY'] }],
  ['ACME_SUPABASE_SERVICE_KEY'],
  ['SUPABASE_SERVICE_ROLE_KEY', smtp, { slug: 'supabase' }],
  // Slugs whose prefix is that of a service's own variables.
  ['DATABASE_URL', smtp, { slug: 'database' }],
  ['REDIS_URL', smtp, { slug: 'redis' }],
  ['AWS_SECRET_ACCESS_KEY', smtp, { slug: 'aws' }],
  ['AWS_SECRET_ACCESS_KEY', smtp, { slug: 'aws-secret' }],
  ['REGISTRY_KEY', smtp, { slug: 'registry' }],
  ['STRIPE_SECRET_KEY', smtp, { slug: 'stripe' }],
  ['FINANCE_DB_URL', smtp, { slug: 'finance' }],
  // Names of properties that every object has.
  ...['constructor', '__proto__', 'toString', 'hasOwnProperty'].map((name) => [name] as [string]),
];

const complete =
  (isAllowed: boolean) =>
  ([name, place = smtp, options = {}]: (typeof allowed)[number]): ReferenceCase => ({
    name,
    place,
    isAllowed,
    ...options,
  });

export const referenceCases: readonly ReferenceCase[] = [
  ...allowed.map(complete(true)),
  ...refused.map(complete(false)),
];

/** Texts that some program could take for a reference, and the registry does not. */
export const lookalikes: readonly (readonly [kind: string, text: string])[] = [
  ['within a longer text', `Acme \${DATABASE_URL}`],
  ['of the tenant within a longer text', `Acme \${ACME_X}`],
  ['before a line break', `\${ACME_X}\n`],
  ['with blanks around it', ` \${ACME_X} `],
  ['with blanks inside', `\${ ACME_X }`],
  ['nested', `\${ACME_\${DATABASE_URL}}`],
  ['nested twice', `\${\${DATABASE_URL}}`],
  ['with a default', `\${ACME_X:-\${DATABASE_URL}}`],
  ['with a default in bash', `\${ACME_X:-x}`],
  ['with an indirection', `\${!ACME_X}`],
  ['with a substring', `\${DATABASE_URL:0:9}`],
  ['twice', `\${ACME_X}\${ACME_Y}`],
  ['without braces', '$DATABASE_URL'],
  ['without braces, with blanks', ' $DATABASE_URL '],
  ['without an end', `\${DATABASE_URL`],
  ['without a name', `\${}`],
  ['in fullwidth letters', '＄｛DATABASE_URL｝'],
  ['with a fullwidth dollar', '＄{DATABASE_URL}'],
  ['with an invisible character', '$\u200b{DATABASE_URL}'],
  ['with letters of another alphabet', `\${АCME_X}`],
  ['with a soft hyphen', `\${ACME\u00ad_X}`],
  ['of JavaScript', `\${process.env.DATABASE_URL}`],
  ['escaped', `\\\${DATABASE_URL}`],
  ['as an array element', `\${ACME_X[0]}`],
];
