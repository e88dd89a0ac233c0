/** Invented secrets of 20 kinds and ordinary configurations, generated from a seed. */
export type Random = () => number;

const small = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
const hex = '0123456789abcdef';
const letters = small + small.toUpperCase();
const base62 = letters + digits;

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

function chars(random: Random, alphabet: string, count: number): string {
  return Array.from({ length: count }, () => pick(random, [...alphabet])).join('');
}

const bytes = (random: Random, count: number) =>
  Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)));

/** The kinds of secrets by name. */
export const secretKinds: Readonly<Record<string, (random: Random) => string>> = {
  'SendGrid key': (r) => `SG.${chars(r, base62, 22)}.${chars(r, base62, 43)}`,
  'OpenAI key': (r) => `sk-proj-${chars(r, base62, 48)}`,
  'Stripe key': (r) => `sk_live_${chars(r, base62, 24)}`,
  'AWS access key id': (r) => `AKIA${chars(r, small.toUpperCase() + digits, 16)}`,
  'AWS secret key': (r) => bytes(r, 30).toString('base64'),
  'Google API key': (r) => `AIza${chars(r, `${base62}_-`, 35)}`,
  'GitHub token': (r) => `ghp_${chars(r, base62, 36)}`,
  'Slack token': (r) => `xoxb-${chars(r, digits, 12)}-${chars(r, base62, 24)}`,
  'Slack webhook': (r) =>
    `https://hooks.slack.com/services/T${chars(r, digits, 8)}/B00/${chars(r, base62, 24)}`,
  'Twilio key': (r) => `SK${chars(r, hex, 32)}`,
  'Mailgun key': (r) => `key-${chars(r, hex, 32)}`,
  'JSON Web Token': (r) =>
    ['{"alg":"HS256"}', `{"sub":"${chars(r, base62, 9)}"}`]
      .map((part) => Buffer.from(part).toString('base64url'))
      .concat(bytes(r, 32).toString('base64url'))
      .join('.'),
  'PEM key': (r) =>
    `-----BEGIN PRIVATE KEY-----\n${bytes(r, 48).toString('base64')}\n-----END PRIVATE KEY-----`,
  'database URL': (r) => `postgres://app:${chars(r, base62, 12)}@db.example.com:5432/app`,
  'signed URL': (r) => `https://files.example.com/logo.png?sig=${chars(r, base62, 32)}`,
  'basic authorization': (r) => `Basic ${bytes(r, 18).toString('base64')}`,
  'connection string': (r) =>
    `Endpoint=sb://x.example.net/;SharedAccessKey=${bytes(r, 32).toString('base64')}`,
  'hex token': (r) => chars(r, hex, pick(r, [32, 40, 64])),
  // One in 20,000 changes too seldom between letters, digits and + to be told from a text.
  'base64 token': (r) => {
    for (;;) {
      const token = bytes(r, pick(r, [24, 32, 48])).toString('base64');
      if ((token.match(/[A-Za-z](?=[0-9+])|[0-9+](?=[A-Za-z])/g)?.length ?? 0) >= 3) return token;
    }
  },
  'note with a password': (r) => `ask Thandi; password: ${chars(r, base62, 10)}`,
};

const words =
  'safari sunset harbour lodge island coral reef savanna ocean travel quay baobab fynbos kudu delta dune acacia'.split(
    ' ',
  );
const names = [
  'Thandi Mokoena',
  'Pieter van Wyk',
  'Ngũgĩ wa Thiong’o',
  'Zoë O’Brien-Smith',
  'MacDonald McAllister',
  'Li',
];
const title = (text: string) => text.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
const uuid = (r: Random) => [8, 4, 4, 4, 12].map((count) => chars(r, hex, count)).join('-');

/** A realistic configuration without secrets. */
/** The references name variables of `owner`; without it, of a tenant with a random slug. */
export function ordinaryConfig(r: Random, owner?: string) {
  const slug = `${pick(r, words)}-${pick(r, words)}${pick(r, ['', '-t0vc', '2024', '-kvph', '-za'])}`;
  const domain = `${slug}.example`;
  const name = title(
    `${pick(r, words)} ${pick(r, words)} ${pick(r, ['Travel', '(Pty) Ltd', 'Tours & Safaris', 'GmbH'])}`,
  );
  const variable = (owner ?? slug).toUpperCase().replaceAll('-', '_');
  const color = () => `#${chars(r, hex, 6)}`;
  return {
    branding: {
      company_name: name,
      logo_url: pick(r, [
        null,
        `https://cdn.example.com/${slug}/logo.svg`,
        `https://cdn.example.com/${chars(r, hex, 40)}/logo-${chars(r, hex, 8)}.png`,
      ]),
      primary_color: color(),
      secondary_color: color(),
      theme_id: pick(r, ['professional_blue', 'safari_gold', 'theme2']),
      email_signature: `Kind regards,\nThe ${name} team\nTel: +27 ${chars(r, digits, 2)} 555 ${chars(r, digits, 4)}\nwww.${domain}`,
    },
    destinations: Array.from({ length: 1 + Math.floor(r() * 4) }, () => ({
      name: title(pick(r, words)),
      code: chars(r, small.toUpperCase(), 3),
      enabled: r() < 0.7,
      aliases: [title(`${pick(r, words)} ${pick(r, words)}`), 'Saint-Rémy-de-Provence'],
    })),
    infrastructure: {
      gcp: {
        project_id: `${slug}-${chars(r, digits, 6)}`,
        dataset: `${slug.replaceAll('-', '_')}_quotes`,
        region: pick(r, ['us-central1', 'europe-west1', 'africa-south1']),
        corpus_id: pick(r, [
          null,
          `projects/${chars(r, digits, 9)}/locations/us-central1/ragCorpora/${chars(r, digits, 19)}`,
        ]),
      },
      supabase: { url: `https://${chars(r, small, 20)}.supabase.co`, anon_key: `\${${variable}_ANON_KEY}` },
      vapi: { api_key: `\${VAPI_API_KEY}`, phone_number_id: uuid(r), assistant_id: uuid(r) },
      openai: {
        api_key: `\${OPENAI_API_KEY}`,
        model: pick(r, ['gpt-4o-mini-2024-07-18', 'gpt-4o', 'o3-mini']),
      },
    },
    email: {
      primary: `sales@${domain}`,
      sendgrid: { api_key: `\${${variable}_SENDGRID_KEY}`, from_email: `quotes@${domain}`, from_name: name },
      smtp: {
        host: `mail.${domain}`,
        port: 465,
        username: `sales@${domain}`,
        password: `\${${variable}_SMTP_PASSWORD}`,
      },
      imap: { host: `mail.${domain}`, port: 993 },
    },
    banking: {
      bank_name: 'First Example Bank',
      account_name: name,
      account_number: pick(r, [chars(r, digits, 11), `GB29NWBK${chars(r, digits, 14)}`]),
      branch_code: chars(r, digits, 6),
      swift_code: `EXAMZAJJ${chars(r, small.toUpperCase(), 3)}`,
      reference_prefix: chars(r, small.toUpperCase(), 2),
    },
    consultants: names.slice(0, Math.floor(r() * names.length)).map((consultant, at) => ({
      id: pick(r, [`c${at}`, uuid(r)]),
      name: consultant,
      email: `c${at}@${domain}`,
      active: r() < 0.8,
    })),
    agents: { inbound: { enabled: true, prompt_file: `prompts/${slug}/inbound-v2.txt` } },
  };
}

/** Replaces a random text of a configuration by the given one; returns its path. */
export function placeSecret(random: Random, config: unknown, text: string): string {
  const places: { parent: Record<string, unknown>; key: string; path: string }[] = [];
  const walk = (parent: Record<string, unknown>, path: string) => {
    for (const [key, value] of Object.entries(parent)) {
      const here = `${path}${path && '.'}${key}`;
      if (typeof value === 'string') places.push({ parent, key, path: here });
      else if (typeof value === 'object' && value !== null) walk(value as Record<string, unknown>, here);
    }
  };
  walk(config as Record<string, unknown>, '');
  const { parent, key, path } = pick(random, places);
  parent[key] = text;
  return path;
}
